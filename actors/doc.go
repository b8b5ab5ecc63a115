// Package actors is the engine of Parley: tenants, users, topics and connections, each an actor. It knows no socket, no
// HTTP, no JSON and no token. Programs talk to it through its front door, [Node]. It talks to the outside through three
// small interfaces: an [outbox.Transport] writes to one socket, an [Authenticator] checks credentials, and a
// [LifecycleSink] takes the lifecycle events of a tenant, if the tenant has one.
//
// # What it promises
//
//  1. Order: all subscribers of a topic get its events in one order, that of their offsets. A parent topic has an order
//     of its own, in which the events of each topic below it keep theirs. A slow reader of a conflated topic gets them
//     in the order of each key (policy/rules.go). Control frames, which are for one client alone, overtake events
//     (outbox/control.go); but no event comes before the welcome, and no event of a topic before the answer to the
//     subscription.
//  2. Once: a connection gets an event once, however many of its subscriptions match (fanout/subscriptions.go). An
//     event id that is published again within the dedup window is not delivered again, and its publisher gets the first
//     answer (fanout/dedup.go).
//  3. No silent loss: each event that is not delivered is counted with a reason, and the one who asked for it learns of
//     it: a publisher by Busy, a connection in its dialect's words, a slow reader by the end of its connection, unless
//     a rule of the topic lets the reader lose old events (outbox/lossy.go).
//  4. Bounds: mailboxes, outboxes, histories, dedup windows, topics, throttles and rate limiters all have one. When the
//     process itself is short of memory (Config.Memory), the node sheds load in stages before the process ends
//     (health/watermark.go).
//  5. Backpressure: Publish returns when the event is in the outboxes. It waits first while all outboxes together are
//     too full and those of its tenant hold more than the tenant's share. It does not wait for readers that have
//     stopped reading (outbox/backpressure.go).
//  6. Resume: a subscription from a position gets what it missed, once and before newer events, or a refusal that says
//     that it cannot (topic_replay.go). A client whose dialect has no words for positions may get its session back
//     (package resume; off by default, see Config.Linger), with the events sent to its user meanwhile. Events that it
//     missed and cannot be given are counted.
//  7. Durable: a publish to a topic with a durable rule is answered, and delivered, when the store has it on disk
//     (topic_durable.go, package durable). The topic's offsets, epoch and ids go on after a crash. It gets a new epoch
//     if the store is a copy or was restored, and if rules put the topic elsewhere meanwhile (policy/durability.go),
//     so that no reader is led past a gap. Memory topics pay nothing for that. While the store is not open yet, the
//     topic refuses everything, and never falls back to memory (node_store.go).
//  8. Idle is cheap: an actor without messages holds no goroutine, no timer and no queue.
//  9. Lifecycle: if a tenant wants it, a [LifecycleSink] and a topic get an event for each thing that happens to its
//     connections and users: for each of them in the order in which it happened, and numbered, so that a reader notices
//     a lost one. Nothing waits for the delivery of these events (package lifecycle).
//
// # What a failure does
//
// A panic in an actor is contained by its supervisor (mailbox/supervisor.go), which logs it once and counts it:
//
//   - A topic restarts with its history, offset, epoch, dedup window and subscribers. The message at which it failed is
//     refused as internal; the other messages in its mailbox wait for the restart.
//   - A user restarts with its connections.
//   - A tenant restarts; its users, topics and connections do not notice.
//   - A connection does not restart: its client gets the close code 1011 and connects anew.
//   - A dialect that panics in Encode has no words for that event: its own connections miss the event, which is logged
//     and counted as a drop, and all other connections get it (encoder.Encode in services.go).
//
// # What it asks of you
//
// A Transport never blocks, calls Outbox.Take and Outbox.Ack from one goroutine at a time, and calls Conn.Gone exactly
// once, when the socket has ended. Before that it may call Conn.Finish, once, when the client will say no more. A
// Dialect is pure. Whoever calls Connect owes each connection that it got one call of Gone.
//
// # What lives where
//
// The packages below do not know the actors; README.md draws how they import each other, and says what each is for.
//
// The files of this package hold the actors, by prefix:
//
//   - node_*: the [Node], its health and metrics, and its store. services.go holds what a node shares with its actors:
//     settings, clock, log, totals, admission.
//   - tenant_*, tenants.go: a tenant, its connections (which a placement admits and counts by dialect), how it sends to
//     its topics and users, and the tenants of a node.
//   - conn*: [Conn], the face of a connection to its socket, its topics and its user; any goroutine may use it.
//   - connection_*: the actor behind it, which lets a session and the engine talk. Four parts of it know no session:
//     its subscriptions, the limits on what it brings in, its registration with its user, and its timers.
//   - topic_*: a topic, which sequences one stream of events: its append and fan-out, durable append, and replay.
//   - user_*: a user, with the inbox and the suspended sessions for times without a connection.
//   - publish.go: where an event goes, and how it gets there.
//   - explain*, may_deliver.go: what would be decided, asked of the code that decides.
//   - inspect*: the read calls of a node (package info has what they return).
//   - admin*: the calls of a node that change one tenant, its users or its connections; revocation is one of them.
//
// # The publisher runs an idle actor
//
// A publish to an idle topic or user does not wake a goroutine: the publisher, who would wait for the answer anyway,
// runs the actor itself for one message (mailbox.Registry.Claim and RunInline; package mailbox says why that is safe).
// A topic that works long, because it has many subscribers or waits for the disk, is dedicated: it always has a
// goroutine of its own (topic.dedicated). This saves that goroutine, its stack, and threads that wake each other: 2.8
// instead of 4.8 futex calls an event with 10,000 topics of one subscriber each (2 cores, 2026-11-21).
//
// # How it is built
//
// Messages between actors are small values, declared at the top of the file of the actor that understands them. Waits
// go one way: the front door waits for a connection, a connection for an older one of the same client, for the tenant,
// for its user and its topics, and those wait for nobody. Package mailbox says what of protoactor is used.
package actors
