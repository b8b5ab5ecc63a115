// Package pusher is the wire protocol of Pusher Channels, version 7, as pusher-js and Laravel Echo speak it. A channel
// is the topic of that name, and none below it. The transcripts say line by line what is on the wire.
//
// It is decided thus:
//
//   - The key in the path names an app, which is one of a tenant. A client that shows the key is nobody in particular,
//     and may subscribe to the public channels that the app's setting topics names. Private and presence channels need
//     the signature of the app's backend, for this connection.
//   - All refusals come behind the upgrade, as pusher:error and a close of 4000 to 4299: clients do not read why an
//     upgrade failed, and come back for ever.
//   - A signature that does not hold refuses the subscription alone, by pusher:subscription_error.
//   - A second subscription to a channel is the first one, and is not answered again.
//   - The data of events are a string, whatever was published: JSON that is no string becomes its text. Events of kinds
//     that have a form of their own have the kind's name as their event, and those of the kind json the text in their
//     member event, if they have one. Events called pusher:... or pusher_internal:... are not passed on.
//   - A client event is an event of the kind named, whose data come as they were sent. A topic that has a history
//     remembers it.
//   - pusher:signin makes the connection its user's: what is sent to that user, or to all, is heard on the channel
//     #server-to-user-ID, whether or not the client subscribes to it.
//   - A cache channel tells the newest event that the topic remembers, which takes a history of at least one event.
//
// It does not know secrets: the engine checks signatures. The HTTP API for backends is package transport/appapi.
package pusher
