// Package publisher publishes events to a target as its description says, as a backend would: over one long-lived
// HTTP/1.1 connection, or as bytes on a TCP connection.
//
// It promises:
//
//   - It is cheap: it shares the machine with the server, and net/http's client would take processor time from it at
//     full speed. A request is one write, and it parses an answer no further than needed.
//   - A paced publisher does not drift: event i is due at start + i/rate, and after a late one the publisher sends
//     those that are due at once, so that it keeps the rate. An event that had to wait for the answer to the one before
//     bears the time when it was due, so that a server that holds its publisher up does not look fast.
//   - A call that fails ends the publisher with an error that holds the server's answer.
//
// It asks the caller for a limit on what is in flight (Plan.Admit): without one, it would flood a server that answers
// before it delivers.
package publisher
