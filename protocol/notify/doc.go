// Package notify is the wire protocol of Endurain: a browser page that hears what concerns its user, as plain JSON, and
// never says anything. The transcripts say line by line what is on the wire.
//
// The document leaves this open, and it is decided thus:
//
//   - A client shows who it is in the query of the upgrade: ?access_token= with a JWT, or ?ticket= with a single-use
//     ticket. None is refused as a bad one is: HTTP 403 in the handshake, and no close frame. Empty is as good as
//     absent. Of one that is there twice the last counts, as in Starlette; with both the ticket does, since the
//     original's newest release does not look at the other. A slash may stand at the end of the path.
//   - A JWT must have sid, iss, aud, sub, scope, iat, nbf, exp and jti, as the original demands. strict_claims: false
//     lets in tokens of issuers that leave some of them out; the signature and the times hold either way. A ticket is
//     made for a token that has them, too.
//   - The original's user ids are integers and its `sub` is a JSON number. 7 and "7" are the same user here, since a
//     tenant may have other clients whose ids are texts.
//   - The oldest clients connect to /api/v1/ws/{user_id} and show nothing. A client that knows a number hears that
//     user's events, so the path is not there unless open_user_path is on. The id is a whole number from 1 to 2^63-1,
//     written plainly; any other is refused with 403, and so is a request that also shows a credential.
//   - The original keeps one socket per user, and the newest wins. Here all of a user's tabs live and hear the same: no
//     client can tell, and the end of an old socket can then never take a newer one with it.
//   - A token is checked when the socket opens and not afterwards, as in the original, whose older clients do not come
//     back by themselves: they would fall silent when their token, good for 15 minutes, expires. Revoking the token
//     ends them.
//   - A ticket is good for whom the token would be that it was made for, by the same claims, and its connection ends
//     when that token expires: clients with tickets come back by themselves, with a new one.
//   - Nothing is said on connect, since pages attach their listener a moment later and would miss it.
//   - All frames of a client are ignored. The first frame that is no JSON is reported once per connection, for the log;
//     nothing closes.
//   - A server that goes away closes with 1012, as the original's does.
//
// A `json` event is passed on byte by byte; its member "message" is what pages tell events by. A `message` is
// {"message":<text>,"level":...,"title":...}: pages ignore a text that they do not know. Other kinds have no words
// here.
//
// It does not know what a token or a ticket is, nor who else is connected: that MFA_REQUIRED for a user without
// connection fails is told to the publisher, by the API.
package notify
