// Package publisher publishes events to a peer by the peer's words, as a backend would: over one long-lived HTTP/1.1
// connection, or as bytes on a TCP connection.
//
// It promises:
//
//   - Cheap: what net/http's client costs at full speed would be taken from the server, which shares the machine. A
//     request is one write, an answer is parsed no further than needed.
//   - A paced publisher does not drift: events are due at start + i/rate, and one that comes late is followed at once by
//     those that are due, so that the rate holds. An event that had to wait for the answer to the one before bears the time
//     when it was due, so that a server that holds its publisher up does not look fast.
//   - A call that fails ends the publisher with an error that says what the server said.
//
// It asks the caller for a limit on what is under way (Plan.Room): servers that answer before they deliver would be
// flooded without one.
package publisher
