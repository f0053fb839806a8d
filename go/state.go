package plextrac

// #include <plextrac.h>
import "C"

// State is where a session stands.
type State int32

const (
	// StateSignedOut: no token, and nothing under way.
	StateSignedOut = State(C.PLEXTRAC_STATE_SIGNED_OUT)
	// StateSigningIn: a request that may bring a token is out, and there is no usable one.
	StateSigningIn = State(C.PLEXTRAC_STATE_SIGNING_IN)
	// StateMFANeeded: six digits are needed.
	StateMFANeeded = State(C.PLEXTRAC_STATE_MFA_NEEDED)
	// StateActive: there is a usable token.
	StateActive = State(C.PLEXTRAC_STATE_ACTIVE)
	// StateRefreshing: there is a usable token, and a refresh is out.
	StateRefreshing = State(C.PLEXTRAC_STATE_REFRESHING)
	// StateWaiting: a token is wanted, and nothing may be sent yet.
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
		return "six digits needed"
	case StateActive:
		return "active"
	case StateRefreshing:
		return "refreshing"
	case StateWaiting:
		return "waiting"
	case StateLatched:
		return "latched"
	case StateClosed:
		return "closed"
	default:
		return "unknown"
	}
}
