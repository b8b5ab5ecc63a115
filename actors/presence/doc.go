// Package presence holds the members of a topic: instances that announce themselves and are forgotten when they have
// not done so for as long as they said. It is bounded at 1,024 members of a topic; with one more, the member that would
// end soonest is forgotten.
//
// [Members] belong to the actor of their topic, which alone touches them. They go by the times that they are given.
package presence
