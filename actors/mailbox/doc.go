// Package mailbox runs actors: it queues their messages, finds them by name, and decides what becomes of one that
// panics. It is the only package that knows protoactor; the others see [Context], [Started] and [Stopped].
//
// # What it promises
//
//  1. An actor handles one message at a time, and the messages of one sender in the order in which they were sent.
//  2. A [Mailbox] is bounded; only SendUnbounded goes over the bound. A message that does not fit is refused as Busy if
//     it is [Refusable], and an actor that ends refuses those that it leaves behind.
//  3. An idle actor holds no goroutine, no timer and no buffer.
//  4. A panic is contained: it is logged once and counted, its message is refused as Internal, and the actor goes on
//     with what it knew, or ends, as its [Supervisor] was told.
//  5. No message goes to an actor that has ended: [Registry] sends under a lock for reading, and removes an actor under
//     the lock for writing, if nothing waits for it.
//
// No method blocks, except Reply.Wait, System.Wait and Sender.Send. StacksOf stops the whole process for some
// milliseconds.
//
// # An idle actor runs on its publisher's goroutine
//
// A publisher waits for the actor's answer anyway. Waking another goroutine for it costs a stack, and threads that wake
// each other. So Registry.Claim queues the message and, if the actor has nothing else to do, marks it as running
// without starting a goroutine, and returns its mailbox; the publisher then calls RunInline, which handles one message
// on its own goroutine. Why that is safe:
//
//   - The mark is set under the lock that queues the message, and only if it was not set: no second goroutine can run
//     the actor until RunInline has ended.
//   - RunInline handles one message. If more wait by then, a goroutine takes over, so no publisher works for others.
//   - A panic goes to the supervisor and not to the publisher.
//   - Waits go one way (Reply), so that the actor never waits for its publisher.
//   - Claim does not return an actor whose message may take long, such as a topic on disk or with many subscribers: it
//     says so by Dedicate, and gets a goroutine.
//
// # Between nodes
//
// The actors of two nodes of a cluster talk by protoactor's remoting service, its messages and their generated code:
// [Remoting] receives and [Sender] sends. Both are our own ends of it, and only parcels pass (transport/cluster says
// why, and has the connections).
//
// # What it asks of you
//
// Whoever got a mailbox from Claim calls RunInline, soon, and holding no lock: until then the actor handles nothing. An
// actor that has stopped closes its mailbox and calls System.Done.
//
// # What it does not know
//
// It does not know what an actor is for, nor who belongs to whom. Protoactor's dispatchers, receive timeouts, stash,
// middleware and metrics are not used (they race, lose messages or cost time), nor are its mailboxes, which are
// unbounded or drop silently. Its supervision is used through guardians, since a restart of a protoactor parent stops
// its children. A restart is a resumption for protoactor, since all that an actor knows has to outlive a failure; so
// all actors of a kind can share their props.
package mailbox
