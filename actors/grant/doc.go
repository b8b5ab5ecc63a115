// Package grant remembers by which identities a connection subscribed to a topic: its own, or others that were shown
// for one subscription.
//
// A subscription lasts as long as one of its grants holds. A [Grant] heads an immutable list of at most 8, so that a
// client that shows token after token costs a bounded amount of memory. Its functions are pure.
//
// A [Revocation] revokes the identities of a user or a token. A tenant's [Revocations] remember the newest ones, at
// most 4,096 and for one minute: they catch a connection whose credential was checked before a revocation, and whose
// actor begins after it. Many goroutines may use them at once; they block for a short lock only.
//
// It does not know connections, subscriptions or topics: the caller says which grants are gone, and ends what stood on
// them.
package grant
