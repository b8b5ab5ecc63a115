package main

import (
	"runtime"
	"runtime/debug"
)

// After many clients have left nothing is allocated for a while, so nothing is collected either, and the process keeps
// what they used. A tidier gives it back: a collection, and all free pages to the kernel, once the server is quiet. It
// takes some 20 ms of processor time on a server that 5,000 clients had left, and nobody waits for it.
const (
	tidyPace  = 1 << 20 // bytes; who allocates less between two looks is quiet
	tidyAfter = 10      // quiet looks in a row
	tidyWorth = 4 << 20 // bytes allocated since the last time; a quarter of what lives, if that is more
)

// tidier decides when to tidy up. It is owned by collect.
type tidier struct {
	seen, tidied uint64 // bytes that had ever been allocated at the last look, and when it was tidied
	quiet        int    // looks in a row
}

// due reports whether to tidy up now. allocated is how much has been allocated since the start, live what lives, in
// bytes.
func (t *tidier) due(allocated, live uint64) bool {
	if t.quiet++; allocated-t.seen >= tidyPace {
		t.quiet = 0
	}
	t.seen = allocated
	if t.quiet < tidyAfter || allocated-t.tidied < max(tidyWorth, live/4) {
		return false
	}
	t.quiet, t.tidied = 0, allocated
	return true
}

// tidy collects twice, since objects in pools outlive one collection.
func tidy() {
	runtime.GC()
	debug.FreeOSMemory()
}
