package main

import (
	"syscall"
	"time"
)

// processor is the processor time of the process so far. It is what costs are told in: others on the machine disturb it
// less than the time of day, and it counts all cores.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it has no way to fail for the process itself
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
