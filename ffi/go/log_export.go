package promfetch

// What C calls. It stands alone, because a file with exported functions must not define any in C.

// #include <stddef.h>
// #include <stdint.h>
import "C"

import "runtime/cgo"

//export promfetchGoLog
func promfetchGoLog(user C.uintptr_t, level C.uint32_t, message *C.char, n C.size_t) {
	log := cgo.Handle(user).Value().(func(Level, string))
	log(Level(level), copied(message, n))
}

//export promfetchGoLogDone
func promfetchGoLogDone(user C.uintptr_t) {
	cgo.Handle(user).Delete()
}
