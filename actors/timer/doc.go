// Package timer serves the deadlines of many actors with one goroutine.
//
// [Wheel] is a hashed timing wheel for deadlines that usually come: heartbeats, logins, expiries, flushes, restarts.
// [Pool] holds timers for waits that usually end early.
//
// It promises that a deadline never fires early, and fires at most [Granularity] late as long as no [Target] blocks. It
// goes by the monotonic clock: setting the wall clock moves no deadline.
//
// It asks that Fire does not block, since one goroutine serves all deadlines, and that whoever calls NewWheel calls
// Close.
//
// It does not know what a deadline is for. A deadline cannot be cancelled; its target looks whether it still matters.
// It imports the standard library alone.
package timer
