// Package actors is the engine of Parley: tenants, users, topics and connections, each an actor. It knows no socket, no
// HTTP, no JSON and no token; it speaks to the outside through its front door, [Node], and through the two small
// interfaces that it needs, [Transport] and [Authenticator].
//
// # What it promises
//
//  1. Order: all subscribers of a topic get its events in one order, that of their offsets. A topic above has an order
//     of its own, in which the events of each topic below keep theirs. A slow reader of a topic that is conflated gets
//     them in the order of each key (rules.go). What is said to one client alone goes ahead of events (aside.go);
//     no event comes before the welcome, and none of a topic before the answer to the subscription.
//  2. Once: a connection gets an event once, however many of its subscriptions match (interest.go). An event id that is
//     published again within the dedup window is not delivered again, and its publisher gets the first answer.
//  3. No silent loss: what is not delivered is counted with a reason, and who asked for it is told: a publisher by
//     Busy, a connection by its dialect's words, a slow reader by the end of its connection, unless a rule of the topic
//     lets it lose what is old (loose.go).
//  4. Bounds: mailboxes, outboxes, histories, dedup windows, topics, paces and limiters all have one.
//     When memory itself is short (Config.Memory), load is shed in stages before the process ends (watermark.go).
//  5. Backpressure: Publish returns when the event is in the outboxes, and waits while all outboxes together are too
//     full and those of its tenant have more than their share; readers that do not read are not waited for (backlog.go).
//  6. Resume: a subscription from a position gets what was missed, once and before what is new, or is told that it cannot
//     (replay.go). A client whose dialect has no words for that may be given back what it had (linger.go, off by
//     default), with what was sent to its user meanwhile; what it missed and cannot be given is counted.
//  7. Durable: a publish to a topic whose rule says durable is answered, and heard, when the store has it on disk
//     (keeping.go, actors/durable). Its offsets, epoch and ids go on after a crash. It has a new epoch if the store is a
//     copy or was restored, and if rules kept the topic elsewhere meanwhile (durability.go), so that no reader is led
//     past a gap. Memory topics pay nothing for that. While the store is not open yet, the topic is refused in every way,
//     and is never in memory instead (store.go).
//  8. Idle is cheap: an actor without messages holds no goroutine, no timer and no queue.
//  9. Lifecycle: where a tenant wants it, a [LifecycleSink] and a topic are told what happens to its connections and users, for
//     each in the order in which it happened, and numbered, so that what is lost is missed. Nobody waits for that
//     (lifecycle.go).
//
// # What a failure does
//
// A panic in an actor is contained by its supervisor (supervision.go), which logs it once and counts it:
//
//   - A topic restarts with its history, offset, epoch, dedup window and subscribers. The message it failed at is
//     refused as internal; the others in its mailbox wait for the restart.
//   - A user restarts with its connections.
//   - A tenant restarts; its users, topics and connections do not notice.
//   - A connection does not restart: its client is told 1011 and connects anew.
//   - A dialect that panics in Encode has no words for that event: its own connections miss it, which is logged and
//     counted as a drop, and all others get it (publication.go).
//
// # What it asks of you
//
// A Transport never blocks, calls Outbox.Take and Outbox.Ack from one goroutine at a time, and calls Conn.Gone exactly when
// the socket has ended; before that it may call Conn.Finish, once, when the client says no more. A Dialect is pure.
// Whoever calls Connect calls Gone.
//
// # What lives where
//
// A [Node] is its parts: the tenants, the gate at which connections come in, what may be asked (queries), what may be
// done to one tenant (operator), counters and probes. Beside them are what all actors share: wheel.go, backlog.go,
// supervision.go, ledger.go; and the two that look after the process: watchdog.go, watermark.go.
//
// A connection is the Conn that all may touch, and the actor (connection.go) that lets a session and the engine talk. The
// actor's own is in four nouns that know no session: what it hears (subscriptions.go, interest.go), what it may bring in
// (intake.go, beside the inflow of its tenant), that it is one of its user's (registration.go, telling.go), and what it has
// time for (deadline.go). Whose it becomes is in login.go, what it leaves and gets back in linger.go and restore.go. Its
// post is a placement, which counts who comes and goes (placement.go).
//
// What waits for its socket is in an [Outbox]: the lock, the wire and the accounts. In which order it goes is pending's
// (pending.go): the asides (aside.go), then the line (line.go), of which a slow reader may lose what is loose (loose.go).
// What the wire has taken and may not have written is the trail (trail.go), where somebody lingers.
//
// A topic (topic.go) has an audience, a history and attendance; a user (user.go) an inbox and the records of those who may
// come back (lingering.go).
//
// # How it is built
//
// Messages between actors are small values, declared at the top of the file of the actor that understands them. Waits go
// one way (reply.go). The mailbox is our own (mailbox.go), since protoactor's are unbounded or drop in silence; its
// supervision is used through guardians (supervision.go), since a restart of a protoactor parent stops its children; a
// restart is a resumption for it, since all that an actor knows is to outlive a failure, and so all actors of a kind can
// share their props; its receive timeouts, stash, middleware and metrics are not used (they race, lose or cost).
package actors
