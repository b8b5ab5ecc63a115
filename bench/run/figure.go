package run

// Figure names what a run measures.
type Figure string

// The figures, in the order of tables.
const (
	Processor  Figure = "us/delivery"    // server CPU time per delivered event
	Median     Figure = "p50 ms"         // from the publisher's clock to the client's read
	Tail       Figure = "p99 ms"         //
	Deliveries Figure = "deliveries/s"   // of all clients together
	Publishes  Figure = "publishes/s"    // events that were taken
	Connects   Figure = "connects/s"     // with handshake, and with what the client says to be ready
	Connecting Figure = "us/connect"     // server CPU time for each of these
	Memory     Figure = "KB/connection"  // resident, in 1,000 bytes, without what the server has without connections
	Highest    Figure = "KB highest"     // the same, the most that there was from when all clients had come
	Pinged     Figure = "KB pinged"      // the same, the most of the measured time
	Idle       Figure = "% of a core"    // server CPU while nothing happens
	Logins     Figure = "logins/s"       // of further clients, with handshake and a token that they sign with RS256
	Storm      Figure = "p99 ms, logins" // p99 ms while these log in
	Delay      Figure = "p99 ratio"      // Storm to Tail, of the same run
	Server     Figure = "server %"       // of a core, used by the server while events are published
	Generator  Figure = "generator %"    // of a core, used by the generator itself
)

// Figures are all of them, and whether more is better.
var Figures = []struct {
	Name Figure
	More bool
}{
	{Processor, false}, {Median, false}, {Tail, false}, {Deliveries, true}, {Publishes, true}, {Connects, true},
	{Connecting, false}, {Logins, true}, {Storm, false}, {Delay, false}, {Memory, false}, {Highest, false},
	{Pinged, false}, {Idle, false}, {Server, false}, {Generator, false},
}
