package websocket

// FDBudget is how the process divides its file descriptors. The part of strangers has two bounds: clients that
// have no socket yet, or never will, keep out neither sockets nor the server itself.
type FDBudget struct {
	// Descriptors is how many there may be (RLIMIT_NOFILE).
	Descriptors int
	// Connections is how many of them clients on public addresses may use, sockets included. The rest is for the disk,
	// the log, health, metrics and calls to backends.
	Connections int
	// Sockets is how many WebSockets there may be. The rest of Connections is for HTTP: calls of backends, and
	// handshakes.
	Sockets int
}

// The reserve is a twentieth of all descriptors, within these bounds.
const (
	leastReserve = 64
	mostReserve  = 1024
)

// FDBudgetFor divides a number of descriptors. Each part is at least 1.
func FDBudgetFor(descriptors int) FDBudget {
	reserve := min(max(descriptors/20, leastReserve), mostReserve, descriptors/4)
	return FDBudget{
		Descriptors: descriptors, Connections: max(1, descriptors-reserve), Sockets: max(1, descriptors-2*reserve),
	}
}

// DetectFDBudget divides the descriptors that this process may have now.
func DetectFDBudget() FDBudget { return FDBudgetFor(fdLimit()) }
