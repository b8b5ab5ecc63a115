package info

import "github.com/parley-realtime/parley/protocol"

// ConnectionQuery chooses connections: those of a user, of a dialect by name, with a subscription to a topic. Empty
// fields choose all.
type ConnectionQuery struct {
	User, Dialect, Topic string
	// Cursor is where the page before ended, "" for the first page. Limit is how many to return: 100 if it is 0, at
	// most 1000.
	Cursor string
	Limit  int
}

// TopicQuery chooses topics by a prefix of their names; Cursor and Limit are those of ConnectionQuery.
type TopicQuery struct {
	Prefix, Cursor string
	Limit          int
}

// MaxPage is how many entries a page has at most.
const MaxPage = 1000

const defaultPage = 100

// Page is how many entries a page has whose limit is this.
func Page(limit int) int {
	if limit <= 0 {
		return defaultPage
	}
	return min(limit, MaxPage)
}

// SubscribeQuestion is a subscription that somebody asks about.
type SubscribeQuestion struct {
	// Connection is the id of the connection that would subscribe. Where it is "", a connection of these would, which
	// has no subscriptions yet.
	Connection string
	Identity   *protocol.Identity
	Dialect    protocol.Dialect
	Remote     string // address without port, "" if it does not matter

	Topic string
}

// ConnectOptions describe a connection that Node.Connect is to make.
type ConnectOptions struct {
	Tenant  string
	Dialect protocol.Dialect
	Session protocol.Session
	// Identity is set if the credential was checked before the upgrade; otherwise it is nil.
	Identity *protocol.Identity
	// Remote is the client's address, without port. Proxied says that it is the address of a proxy, and so of many
	// clients.
	Remote  string
	Proxied bool
	// Client is the key by which a client that comes back is recognised (package resume); "" is none.
	Client string
	// RequestID and Origin are those of the handshake, for the recorder.
	RequestID, Origin string
}
