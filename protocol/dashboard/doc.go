// Package dashboard is the wire protocol of the CodeGraph dashboard: a browser page that wants to know when a project
// was analysed. Its document says what is on the wire; the transcripts say it again, line by line.
//
// The document leaves this open, and it is decided thus:
//
//   - `ping` may be the bare word, the JSON string, or an object whose event, type or action is "ping". The answer is
//     always {"event":"pong"}.
//   - Without multi-tenant mode every client is let in anonymously, and a token is not even looked at, in the query or
//     in a frame: one that expires must not end a connection that needs none.
//   - In multi-tenant mode an absent token waits for the first frame, 5 s from the upgrade; an invalid one fails at
//     once, and so does a first frame that is no token object. A ping before that is not answered and does not stop the
//     clock. Of two tokens in the query the last counts, as in Starlette. One there counts before one in a frame. Every
//     failure is {"event":"error","message":"Authentication required"} and close code 1008, after the upgrade.
//   - `connected` comes after the authentication and is the first frame of every connection that gets in. It comes 30
//     ms after the upgrade, or when the client speaks: a page attaches its handlers a moment after the socket is open,
//     and misses frames from before; and a client that hangs up at once is not talked to.
//   - A token frame from a client that is in already refreshes the identity if it holds, and is ignored if not.
//   - Tokens of type "refresh" open no socket.
//   - A client is subscribed to "projects". If its token grants only some, it is subscribed to those that the token
//     names ("projects/billing"); a token that names none fails like a bad one, since a dashboard without projects is
//     of no use.
//   - `clients` counts the authenticated connections of this dialect in the tenant. Heartbeats begin one interval after
//     `connected` and go by each connection's own clock, so that they do not all come at once.
//   - client_id is "ws-" and the connection's number, which is never used again while the process lives.
//   - Timestamps are Unix seconds with three decimals, always, since the original's are floats.
//   - `trigger` is passed on whatever it says: audit, compliance and release_gate are known.
//   - Text that means nothing, and binary frames, are ignored; a frame that the document does not know must not close a
//     page.
//   - Switched off (websocket_enabled: false), the path answers the upgrade with 404.
//
// Beyond the document, which says that clients ignore unknown events: a `message` is {"event":"message",level,title,
// message,timestamp}, and a `json` event is passed on unchanged.
//
// It does not know sockets, token formats or who counts the clients: it asks for their number (CountConnections).
package dashboard
