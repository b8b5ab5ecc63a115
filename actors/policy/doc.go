// Package policy says what holds for a topic: how much it remembers, whether on disk, how long it recognises event ids,
// and what becomes of a reader that does not keep up.
//
// A tenant's [Rules] are a list of patterns and what they leave open; the first rule that covers a topic is its rule. A
// [Set] resolves them once for all topics, with the node's numbers where a rule has none, so that a topic looks its
// [Topic] up and never computes it. A Set is replaced as a whole; topics compare which one they obey.
//
// [Durability] tells the store which topics the rules of all tenants keep in it, before they hold: the store gives a
// topic that was served from memory meanwhile a new epoch, so that its readers are told of the gap.
//
// It knows no actor. Nothing blocks but what waits for the store.
package policy
