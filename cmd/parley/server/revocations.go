package server

import (
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/parley-realtime/parley/cmd/parley/backup"
	"github.com/parley-realtime/parley/cmd/parley/journal"
)

// openRevocations opens the journal of revocations in the data directory, and is the first to look into that; it
// returns nil if data is "". The journal is no part of the store: revocations must be kept even if no topic is durable,
// and known before the first client comes.
func openRevocations(data string, log *slog.Logger) (*journal.File, error) {
	if data == "" {
		return nil, nil
	}
	if err := backup.Unfinished(data); err != nil {
		return nil, err
	}
	path := filepath.Join(data, "revocations")
	kept, err := journal.Open(path)
	if err != nil {
		return nil, fmt.Errorf("revocations: %w", err)
	}
	if n := kept.Broken(); n > 0 {
		log.Error("some revocations on disk are damaged; tokens revoked by them work again, so revoke them anew",
			"file", path, "lines", n)
	}
	return kept, nil
}
