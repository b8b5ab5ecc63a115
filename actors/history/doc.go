// Package history keeps what a topic retains: its newest events, each with its offset.
//
// Offsets begin at 1 and have no gaps. The oldest events are dropped first, by count, by bytes or by age, whichever
// bound is met first; the newest offset is never forgotten.
//
// There are two stores behind one interface, [History], and one suite of tests that both pass (history/suite). [Memory]
// ends with its process and answers at once. The durable store, actors/durable, answers when the event is on disk, on
// another goroutine, since an actor must not wait for a disk. Memory recognises no ids: the topic's
// actor does that for as long as it lives, and a Memory does not live longer.
//
// A history has one owner and no lock. It reads no clock: the owner says what time it is, with a monotonic reading, by
// which alone ages are measured. A history does not know tenants, subscribers or settings.
package history
