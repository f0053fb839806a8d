package plextrac

// #include <plextrac.h>
import "C"

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
)

// ActionKind is the kind of an [Action].
type ActionKind int32

const (
	// ActionIdle: nothing to do until the next input. The last of a drain.
	ActionIdle = ActionKind(C.PLEXTRAC_ACTION_IDLE)
	// ActionSend: send this request now. Pass its answer or its failure to the machine under its ID.
	ActionSend = ActionKind(C.PLEXTRAC_ACTION_SEND)
	// ActionNeedMFA: pass a one-time code with [Machine.SubmitMFA]. The last of a drain.
	ActionNeedMFA = ActionKind(C.PLEXTRAC_ACTION_NEED_MFA)
	// ActionWait: nothing to do until the deadline or the next input. The last of a drain.
	ActionWait = ActionKind(C.PLEXTRAC_ACTION_WAIT)
	// ActionSignedIn: a sign-in brought a token.
	ActionSignedIn = ActionKind(C.PLEXTRAC_ACTION_SIGNED_IN)
	// ActionTokenReplaced: a new token replaced the old one.
	ActionTokenReplaced = ActionKind(C.PLEXTRAC_ACTION_TOKEN_REPLACED)
	// ActionSignedOut: the token has expired. The next want signs in.
	ActionSignedOut = ActionKind(C.PLEXTRAC_ACTION_SIGNED_OUT)
	// ActionFailed: the want ended without a new token. There may still be a usable one.
	ActionFailed = ActionKind(C.PLEXTRAC_ACTION_FAILED)
	// ActionWake: the call of a caller from [Machine.NeedToken] is complete. Without an error there is a
	// usable token. Only programs that call NeedToken get this action.
	ActionWake = ActionKind(C.PLEXTRAC_ACTION_WAKE)
)

// String is the kind in words.
func (k ActionKind) String() string {
	switch k {
	case ActionIdle:
		return "idle"
	case ActionSend:
		return "send"
	case ActionNeedMFA:
		return "one-time code needed"
	case ActionWait:
		return "wait"
	case ActionSignedIn:
		return "signed in"
	case ActionTokenReplaced:
		return "token replaced"
	case ActionSignedOut:
		return "signed out"
	case ActionFailed:
		return "failed"
	case ActionWake:
		return "wake"
	default:
		return "unknown"
	}
}

// IsLast reports whether a drain ends with this kind.
func (k ActionKind) IsLast() bool {
	return k == ActionIdle || k == ActionWait || k == ActionNeedMFA
}

// Action is one output of a machine: something to do, or a report.
type Action struct {
	// Kind decides which of the fields below are set.
	Kind ActionKind
	// RequestID is, for ActionSend, the ID to pass with the answer. One machine uses each ID once.
	RequestID uint64
	// Deadline is a moment on the monotonic clock, in milliseconds; 0 if there is none. ActionSend: the
	// deadline for the answer. ActionWait: when to poll, or to want a token again. ActionNeedMFA: the end
	// of the challenge.
	Deadline uint64
	// Caller is, for ActionWake, the caller whose call is complete.
	Caller uint64
	// MFAAttempt is, for ActionNeedMFA, 1 for the first question and 2 after a wrong code.
	MFAAttempt int
	// Reason is the reason of ActionWait, ActionFailed, and an ActionWake with an error.
	Reason string
	// Err is the error of ActionFailed, and of an ActionWake whose caller gets no token.
	Err error

	request hidden[outgoing]
}

// outgoing is the request to send. A sign-in's body holds the password, a refresh's header the token.
type outgoing struct {
	method, url string
	header      http.Header
	body        []byte
}

// NewRequest makes the request of an ActionSend for an http.RoundTripper, which must follow no redirect.
func (a *Action) NewRequest(ctx context.Context) (*http.Request, error) {
	if a.request == nil {
		return nil, &Error{Status: ErrWrongState, Message: "only an action of the kind ActionSend has a request"}
	}
	out := a.request()
	request, err := http.NewRequestWithContext(ctx, out.method, out.url, bytes.NewReader(out.body))
	if err != nil {
		// The text of net/http only repeats the URL.
		return nil, &Error{Status: ErrInvalidArgument, Message: "net/http does not take the request of the machine"}
	}
	request.Header = out.header.Clone()
	return request, nil
}

// Format shows kind and reason.
func (a Action) Format(f fmt.State, _ rune) {
	if a.Reason == "" {
		show(f, "plextrac.Action(%s)", a.Kind)
	} else {
		show(f, "plextrac.Action(%s: %s)", a.Kind, a.Reason)
	}
}

// takeAction copies an action and frees it.
func takeAction(action *C.plextrac_action) *Action {
	defer C.plextrac_action_free(action)
	a := &Action{
		Kind:       ActionKind(C.plextrac_action_kind(action)),
		RequestID:  uint64(C.plextrac_action_request_id(action)),
		Caller:     uint64(C.plextrac_action_caller(action)),
		MFAAttempt: int(C.plextrac_action_mfa_attempt(action)),
		Reason:     string(view(C.plextrac_action_reason(action))),
	}
	var deadline C.uint64_t
	if C.plextrac_action_deadline_ms(action, &deadline) {
		a.Deadline = uint64(deadline)
	}
	var detail *C.plextrac_error
	if status := Status(C.plextrac_action_error(action, &detail)); status != C.PLEXTRAC_OK {
		a.Err = errorOf(status, detail)
		C.plextrac_error_free(detail)
	}
	if a.Kind == ActionSend {
		a.request = hide(takeOutgoing(action))
	}
	return a
}

func takeOutgoing(action *C.plextrac_action) outgoing {
	header := http.Header{}
	for i := range C.plextrac_action_header_count(action) {
		var name, value C.plextrac_str
		if C.plextrac_action_header(action, i, &name, &value) {
			header.Add(string(view(name)), string(view(value)))
		}
	}
	return outgoing{
		method: string(view(C.plextrac_action_method(action))),
		url:    string(view(C.plextrac_action_url(action))),
		header: header,
		body:   bytes.Clone(view(C.plextrac_action_body(action))),
	}
}
