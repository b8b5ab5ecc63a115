package outbox

// Transport is what an outbox and its connection need of a socket. Its methods never block and may be called from many
// goroutines.
type Transport interface {
	// Wake says that frames wait in the outbox, which was empty before. The transport then takes and writes until
	// Outbox.Take returns nothing.
	Wake()
	// Close writes what waits in the outbox, for as long as its grace allows, then a close frame with code and reason,
	// and ends the socket; the transport then reports the end to the engine (Link.Gone). Only the first call counts,
	// and none if the client has ended the socket before.
	Close(code uint16, reason string)
	// Cut ends the socket at once; the transport then reports the end as after Close.
	Cut()
}
