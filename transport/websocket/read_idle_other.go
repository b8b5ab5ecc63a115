//go:build !linux

package websocket

// lounge is nothing here: each silent client has a goroutine that waits.
type lounge struct{}

func (*lounge) close()            {}
func (*lounge) seat(*socket) bool { return false }
func (*lounge) wake(*socket)      {}
