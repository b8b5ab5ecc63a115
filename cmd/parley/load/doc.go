// Package load is a small load test of a server: clients of one dialect that all hear what is published at a steady
// rate.
//
// It is honest about time: an event's latency counts from the moment when it was to be published, whatever held it up
// since, here, at the server or on the way (no coordinated omission). It says how late it was itself, and how many
// deliveries did not come. Each event has a mark in its text, by which it is known in any dialect; each client is a
// connection of its own that reads whole messages.
//
// It runs in one process, with the clients' work in its figures: thousands of clients on a few cores. For comparisons
// between servers there is bench, a module of its own.
package load
