// Package airlay is the wire protocol of AirLay: a page attaches to objects and hears when they change. Every request
// carries a token and gets exactly one reply, in the order of the requests. The transcripts say line by line what is on
// the wire.
//
// The document leaves this open, and it is decided thus:
//
//   - The checks come in this order. A frame that is no JSON object, or has an auth that is no text, is code 5. Without
//     auth, or with null or "": code 1. A token that does not hold or has expired: 2. A user whom the tenant's
//     directory does not know: 3. A wrong action, type or id: 5. No right to the object: 4, whatever its type.
//   - The user is the token's data.id, or its sub if it has no data.id.
//   - The messages are those of the list, in Latin letters ("Ok"), with "Invalid request" as the example spells it.
//     Where the server and not the request is at fault, or a limit was met, code 5 comes with a message that says so.
//   - An id has 24 hexadecimal digits, and is compared as it is written. Only `notification` may go without: null and
//     "" are as good as absent. Members that the document does not name are ignored.
//   - To attach twice is to attach once, and to detach without having attached is no error: both are 200, and an event
//     comes once.
//   - Rights are checked with each request, by its own token: two users may attach through one connection, each by
//     their own right. An attachment stays until it is detached, or the connection ends, or its token: when that
//     expires or is revoked nothing more is pushed by it. To attach again with a newer token keeps it, and so does
//     another user's token. The document has no message for such an end, and a reply without a request would be taken
//     for another's, so nothing is said: a client attaches again before its token expires, and its next request by the
//     old one gets code 2.
//   - The first token that holds with a request that is well formed makes its user the connection's, from then on. Of
//     the notifications that are sent to that user, a connection that is attached to `notification` without id hears
//     all, one that is attached with an id hears those with that id, and one that is attached to neither hears none.
//     Each way is attached to and detached from by itself; in both ways a notification comes once. Another user who
//     asks for all on the same connection gets code 4, since it could never be heard.
//   - An event that is published to a topic is heard by those who are attached to its type and id, if the topic is
//     <type>/<id>. Objects of other types than `notification` that are sent to users have no words here, nor have
//     objects that are published to a topic that is not theirs.
//   - A push has type, id and data in this order; data is [] if there is none, and id is always a text.
//   - Binary frames are requests that cannot be read: code 5. An error never closes. More requests in a second than the
//     limit do this: the first over the limit gets its reply, then close code 1008.
//   - Nothing is sent besides replies and pushes, no heartbeat either. A connection may be silent for as long as its
//     pings are answered, once a request's token has held; until then it has Config.LoginTimeout, and ends with 1008.
//   - On a listener of its own (PathsAlone) the path may be / as well as /ws.
//
// Beyond the document: a `message` is pushed as {"type":"notification","id":"","data":{level,message,title}}, as a
// notification without id is. One that is published to the topic notification/<id> has that id, and is heard by those
// who are attached to it.
//
// It does not know how a token is checked, who exists, or who may attach to what: the engine tells it.
package airlay
