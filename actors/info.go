package actors

import "github.com/parley-realtime/parley/actors/info"

// These are returned by the read calls of a node.
type (
	Metrics        = info.Metrics // a snapshot of everything that a node counts, since it started
	ConnectionInfo = info.Connection
	UserInfo       = info.User // a user who has connections
	TopicInfo      = info.Topic
	HistoryPage    = info.HistoryPage // a piece of a topic's history, oldest event first
	HistoryEntry   = info.HistoryEntry
	Storage        = info.Storage // the state of the store of durable topics
)
