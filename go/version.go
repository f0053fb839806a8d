package plextrac

// #include <plextrac.h>
import "C"

import (
	"fmt"
	"sync"
)

// Version is that of the C library which is really loaded, such as "1.2.3".
func Version() string {
	return string(view(C.plextrac_version()))
}

// checkABI says whether the library that is loaded is one that this package was built for.
var checkABI = sync.OnceValue(func() error {
	built, loaded := uint32(C.PLEXTRAC_ABI_VERSION), uint32(C.plextrac_abi_version())
	if built != loaded {
		return &Error{Status: ErrUnsupported, Message: fmt.Sprintf(
			"the libplextrac that is loaded has ABI version %d, and this program was built for %d: install that, or build anew",
			loaded, built)}
	}
	return nil
})
