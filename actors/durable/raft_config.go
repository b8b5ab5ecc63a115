package durable

import (
	"log/slog"
	"time"

	"github.com/hashicorp/raft"
)

const (
	heartbeat       = 500 * time.Millisecond
	electionTimeout = 30 * time.Second
	// The compactor takes the snapshots. Raft itself looks as seldom as it can be told to, and never finds a reason.
	snapshotInterval, snapshotThreshold = 24 * time.Hour, 1 << 62
)

func raftConfig(id raft.ServerID, partition uint16, log *slog.Logger) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = id
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = heartbeat, heartbeat, heartbeat/2
	c.CommitTimeout = 50 * time.Millisecond
	c.MaxAppendEntries, c.BatchApplyCh = batchCount, true
	c.NoSnapshotRestoreOnStart, c.NoLegacyTelemetry = true, true
	c.SnapshotInterval, c.SnapshotThreshold, c.TrailingLogs = snapshotInterval, snapshotThreshold, trailingEntries
	c.Logger = raftLogger(log, partition)
	return c
}

// reloadable is the configuration of a group that keeps so many entries after its next snapshot.
func reloadable(trailing uint64) raft.ReloadableConfig {
	return raft.ReloadableConfig{
		TrailingLogs: trailing, SnapshotInterval: snapshotInterval, SnapshotThreshold: snapshotThreshold,
		HeartbeatTimeout: heartbeat, ElectionTimeout: heartbeat,
	}
}

// countVoters counts the members that have a vote.
func countVoters(c raft.Configuration) (voters int) {
	for _, member := range c.Servers {
		if member.Suffrage == raft.Voter {
			voters++
		}
	}
	return voters
}
