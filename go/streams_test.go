package plextrac_test

import (
	"io"
	"net/http"
	"runtime"
	"testing"

	"github.com/plextrac-auth/plextrac-auth/go/internal/emulatortest"
)

// zeros is a body of zeros, and no reader that net/http knows.
type zeros struct{ left int }

func (z *zeros) Read(room []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	count := min(len(room), z.left)
	clear(room[:count])
	z.left -= count
	return count, nil
}

func TestATransportHoldsNoBodyInMemory(t *testing.T) {
	// Holding one of the two bodies takes at least large. The race detector drops pooled buffers: 13 MiB then.
	const large, little = 32 << 20, 24 << 20
	onBothLevels(t, func(t *testing.T, e *emulatortest.Emulator, open opener) {
		session := open(t, password(e.WithoutMFA()))
		if err := session.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: session.Transport(e.HTTP(t))}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		response, err := client.Post(session.BaseURL()+"/api/v1/echo", "text/plain", &zeros{left: large})
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		length, err := io.Copy(io.Discard, response.Body)
		if err != nil || length != large || response.StatusCode != 200 {
			t.Errorf("%d: %d bytes, %v", response.StatusCode, length, err)
		}
		runtime.ReadMemStats(&after)
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > little {
			t.Errorf("%d bytes were allocated", allocated)
		}
	})
}
