package websocket

// Room is how the file descriptors of the process are shared out. What comes from strangers is bounded twice, so that those who are
// no sockets yet, or never will be, keep out neither sockets nor the server itself.
type Room struct {
	// Descriptors is how many there may be (RLIMIT_NOFILE).
	Descriptors int
	// Connections is how many of them those who come by public addresses may have, sockets included. The rest is for the disk, the
	// log, health, metrics and calls to backends.
	Connections int
	// Sockets is how many sockets there may be. The rest of Connections is for HTTP: calls of backends, and handshakes.
	Sockets int
}

// The reserve is a twentieth of all descriptors, within these bounds.
const (
	leastReserve = 64
	mostReserve  = 1024
)

// Share shares out so many descriptors.
func Share(descriptors int) Room {
	reserve := min(max(descriptors/20, leastReserve), mostReserve, descriptors/4)
	return Room{Descriptors: descriptors, Connections: max(1, descriptors-reserve), Sockets: max(1, descriptors-2*reserve)}
}

// Space is what there is in this process.
func Space() Room { return Share(descriptors()) }
