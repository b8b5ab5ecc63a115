// Package inbox keeps the messages to users who have no connection, until one comes that may have them. Messages are
// for people, who read them later; events of other kinds tell of a moment, are worth nothing afterwards, and are not
// kept.
//
// An [Inbox] is that of one user. It is bounded in events, bytes and age, and forgets the oldest event first. A
// [Tenant] bounds the inboxes of a tenant together; at its bounds no further event waits. The caller counts as drops
// what an inbox forgets, and what has no room.
//
// It knows no user and no connection. Nothing blocks.
package inbox
