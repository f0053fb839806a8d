package plextrac

// #include <plextrac.h>
import "C"

// State is the state of a session.
type State int32

const (
	// StateSignedOut: there is no token and no request.
	StateSignedOut = State(C.PLEXTRAC_STATE_SIGNED_OUT)
	// StateSigningIn: a request for a token was sent, and there is no usable token.
	StateSigningIn = State(C.PLEXTRAC_STATE_SIGNING_IN)
	// StateMFANeeded: a one-time code is needed.
	StateMFANeeded = State(C.PLEXTRAC_STATE_MFA_NEEDED)
	// StateActive: there is a usable token.
	StateActive = State(C.PLEXTRAC_STATE_ACTIVE)
	// StateRefreshing: there is a usable token, and a refresh was sent.
	StateRefreshing = State(C.PLEXTRAC_STATE_REFRESHING)
	// StateWaiting: a token is wanted, and nothing may be sent now.
	StateWaiting = State(C.PLEXTRAC_STATE_WAITING)
	// StateLatched: the credentials were rejected and are not sent again.
	StateLatched = State(C.PLEXTRAC_STATE_LATCHED)
	// StateClosed: the session was closed.
	StateClosed = State(C.PLEXTRAC_STATE_CLOSED)
)

// String is the state in words.
func (s State) String() string {
	switch s {
	case StateSignedOut:
		return "signed out"
	case StateSigningIn:
		return "signing in"
	case StateMFANeeded:
		return "one-time code needed"
	case StateActive:
		return "active"
	case StateRefreshing:
		return "refreshing"
	case StateWaiting:
		return "waiting"
	case StateLatched:
		return "locked out"
	case StateClosed:
		return "closed"
	default:
		return "unknown"
	}
}
