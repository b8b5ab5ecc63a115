// Package grant remembers by which identities a connection subscribed to a topic: its own, or others that were shown
// for one subscription.
//
// A subscription lasts as long as one of its grants holds. A [Grant] heads an immutable list of at most 8, so that a
// client that shows token after token costs a bounded amount of memory. All functions are pure, none blocks.
//
// It does not know tokens, revocations or topics: the caller says which grants are gone.
package grant
