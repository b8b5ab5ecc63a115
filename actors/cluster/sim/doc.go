// Package sim runs a cluster in one goroutine: the state machines of link, member, entry, relay and home over Raft
// groups of etcd-io/raft, with a clock, a network and faults of its own. It has tests alone.
//
// One number, the seed, decides all that happens, so a seed that fails is a test case: the test prints it, and
//
//	go test ./actors/cluster/sim -run Seeds -seed 4711 -seeds 1 -v
//
// repeats it. raft draws its timeouts from crypto/rand, so each seed runs under testing/cryptotest.SetGlobalRandom;
// without that no seed of twenty repeated itself (2026-11-30).
//
// A run is 15 seconds in which three nodes publish and subscribe while they are killed, stopped, and cut from each
// other, whole or in one direction, and connections break. Then all is healed, and after 5 seconds each node publishes
// to each topic once more. These must hold:
//
//   - A group has one leader in a term, and its logs are equal. Only one home answers in a slot and term.
//   - Events at one position are the same on all nodes, and their offsets rise by one, unless a loss was told.
//   - No subscriber gets an event twice. Those of one publisher come in the order in which they were published.
//   - An acknowledged event reaches each subscriber that was there before it was published, unless a loss was told.
//   - A peer costs at most its credit and queue.
//   - At the end, each node has the last events, and no publisher waits.
//
// It does not play carriers, actors and disks.
package sim
