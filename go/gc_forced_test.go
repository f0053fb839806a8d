//go:build plextrac_gctest

package plextrac

import (
	"runtime"
	"testing"
)

// thing owns a handle as the types of this package do, and has one method that does what they do and one
// that forgets to.
type thing struct{ handle *handle[*int] }

func newThing() *thing {
	t := &thing{handle: newHandle(new(int), func(*int) {})}
	runtime.AddCleanup(t, (*handle[*int]).close, t.handle)
	return t
}

func (t *thing) careful() bool {
	_, open := t.handle.enter()
	runtime.KeepAlive(t)
	return open
}

func (t *thing) careless() bool {
	_, open := t.handle.enter()
	return open
}

func TestAKeepAliveThatIsMissingIsCaught(t *testing.T) {
	if !newThing().careful() {
		t.Error("what is kept alive was closed")
	}
	if newThing().careless() {
		t.Error("control: what nobody keeps alive was not closed; no test under this tag proves anything")
	}
}

func TestEveryTypeKeepsItselfAliveForItsCalls(t *testing.T) {
	session := func() *Session {
		s, err := NewSession("acme.plextrac.com", WithPassword("me", "x"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	machine := func() *Machine {
		m, err := NewMachine("acme.plextrac.com", Now(), WithPassword("me", "x"))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	budget, err := NewBudget(6)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewMachine("acme.plextrac.com", Now(), WithPassword("me", "x"), WithBudget(budget)); err != nil {
		t.Error(err)
	}
	if state := session().State(); state != StateSignedOut {
		t.Errorf("session: %v", state)
	}
	if _, err := session().ReportUnauthorized("x"); err != nil {
		t.Errorf("session: %v", err)
	}
	if err := machine().WantToken(Now()); err != nil {
		t.Errorf("machine: %v", err)
	}
	if _, err := machine().Poll(Now()); err != nil {
		t.Errorf("machine: %v", err)
	}
}
