// Package presence holds the members of a topic, of which there are two sorts.
//
// A [Tracker] knows those who are present by the subscriptions of their connections: a member joins with the first of
// them and leaves with the last. One above 10,000, or above the bound of a dialect, is refused.
//
// [Members] are instances that announce themselves and are forgotten when they have not done so for as long as they
// said. They are bounded at 1,024 for a topic; with one more, the member that would end soonest is forgotten.
//
// Both belong to the actor of their topic, which alone touches them. They go by the times that they are given.
package presence
