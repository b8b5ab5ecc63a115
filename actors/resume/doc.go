// Package resume keeps what a client may come back to. It is for dialects that have no words to resume: a connection
// that breaks without a goodbye leaves a [Session], and the next connection of the same client gets its subscriptions
// back and what it missed, in order and once, before anything new. It is off unless a tenant or the node says for how
// long.
//
// Which connections leave a session:
//
//   - A connection whose socket broke, or that was silent for too long. One that the client closed, or that was
//     disconnected, revoked, suspended, drained, expired or too slow, leaves nothing.
//   - A connection of a user, by a credential that proves who it is. Anonymous and unverified ones leave nothing.
//
// Which connection is the same client: one of the same tenant, user and dialect that came with the same key. A key is
// the client's own word that it is the same one, so a connection that is still there, as those are whose peer has
// vanished, is closed for it. Without a key nothing says which of a user's connections has come back; then a connection
// is taken for the same client only if exactly one session waits and no other connection of that dialect is there. In
// doubt the sessions without a key are given up: to give one client the subscriptions of another would be worse than to
// give none, and so would be to play twice what another connection got meanwhile. Rights are not inherited: each
// subscription is checked against the new identity.
//
// A session holds the events that were not written to the socket, as frames; the subscriptions, with their filters
// and the very topics that they are attached to; where each of those topics stood when the connection left it, since
// everything later comes from the topic's history; and what is sent to the user meanwhile, which has no history.
//
// Not kept, and counted as missed, is what the history has forgotten, or a new epoch; what is sent to all meanwhile;
// what a full session, [Store] or outbox has no room for; and what waited for a client that has lost a right since, for
// a frame does not say which of its topics it is of. Bytes that the kernel had taken and the client never read are
// neither kept nor counted, since nobody here knows of them; a client that must not lose that either resumes by its own
// position.
//
// A Store bounds the sessions of a user, a tenant and the node, in number and bytes; the tenant with the most gives
// way.
package resume
