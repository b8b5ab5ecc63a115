//go:build race

package websocket

// raceEnabled says that the race detector runs, with which a sync.Pool forgets some of what is put into it.
const raceEnabled = true
