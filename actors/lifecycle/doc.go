// Package lifecycle emits the lifecycle events of a tenant: who came and went, in one order, each with a number.
//
// # What it promises
//
//  1. The order is that in which the events were posted, so for each connection that in which they happened: its user's
//     user_online comes before connected, and user_offline after disconnected.
//  2. Nothing waits for it. An event is lost if its mailbox has no room, if the topic refuses it, or if the sink does.
//     The event has a number all the same, so that a reader notices the gap; losses are counted, and logged once a
//     minute.
//
// # What it does not know
//
// It does not know the tenant, its topics or its connections: a [Host] appends its events to the topic.
package lifecycle
