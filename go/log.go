package plextrac

// #include <plextrac.h>
import "C"

import (
	"context"
	"log/slog"
	"runtime/cgo"
)

//export plextracGoTell
func plextracGoTell(callback C.uintptr_t, level C.int32_t, message *C.char, length C.size_t) {
	logger := cgo.Handle(callback).Value().(*slog.Logger)
	logger.Log(context.Background(), slogLevel(level), string(lent(message, length)))
}

func slogLevel(level C.int32_t) slog.Level {
	switch level {
	case C.PLEXTRAC_LOG_ERROR:
		return slog.LevelError
	case C.PLEXTRAC_LOG_WARN:
		return slog.LevelWarn
	case C.PLEXTRAC_LOG_DEBUG:
		return slog.LevelDebug
	default:
		return slog.LevelInfo
	}
}
