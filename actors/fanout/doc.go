// Package fanout gives one published event to all connections that subscribed to it, encoded once for each dialect and
// projection.
//
// [Subscriptions] are those of one connection. They decide to which topics it is attached and with which [Filters].
// [Subscribers] are those of one topic, in groups that get the same bytes. A [Delivery] is an event on its way to them;
// it keeps its frames and has a [Result], which the publisher waits for. [Dedup] recognises an event that is published
// again.
//
// # What it promises
//
//  1. Once: exactly one attached topic is responsible for an event, so a connection gets it once, however many of its
//     subscriptions match. No change of subscriptions loses or repeats an event of another subscription.
//  2. Order: the subscribers of a topic get its events in the order of Deliver, except those that a filter's interval
//     (Every) delays.
//  3. Encoded once: each dialect, projection and label of an event, however many topics and users deliver it; and once
//     for each topic where a filter asks for the position. A delivery to many outboxes allocates nothing for each, and
//     adds to the backpressure once for each group.
//  4. Bounds: at most 16,384 keys are throttled in a group, and a dedup window is bounded in ids and age.
//
// Only Result.Wait blocks.
//
// # What it asks of you
//
// Subscriptions, Subscribers and Dedup belong to one actor each, which alone calls them; Delivery and Result are
// shared. The caller ends the connections whose outboxes are in Delivered.Full, and calls Flush when Delivered.Next
// comes.
//
// # What it does not know
//
// It knows no actor, no tenant and no history beyond its entries. How an event is encoded, and what happens to a
// dialect that fails, is the matter of an [Encoder].
package fanout
