// Package stats counts what happens in a node, for its metrics. [Totals] count the events, refusals and failures of the
// node, [Events] the lifecycle events of a tenant. Their snapshots, [Sums] and [Lifecycle], belong to their caller.
// [Connections] and [Tenant] are snapshots of figures that the connections themselves hold.
//
// Many goroutines may count at once. A counter of delivered events takes no lock; the others take one for a moment. It
// knows no actor.
package stats
