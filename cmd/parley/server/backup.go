package server

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/cmd/parley/backup"
)

// backups archive a data directory while the server runs.
type backups struct {
	node    *actors.Node
	data    string // directory
	version string
}

// write writes one archive. It ends with the context.
func (b backups) write(ctx context.Context, to io.Writer) error {
	return b.node.Checkpoint(func(store string) error {
		return backup.Write(contextWriter{ctx, to}, b.data, store, b.version)
	})
}

// contextWriter is a writer that fails when its context has ended.
type contextWriter struct {
	ctx context.Context
	to  io.Writer
}

// Write implements io.Writer.
func (u contextWriter) Write(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.to.Write(p)
}

// addressFile is where an operator's commands find the internal address: in the data directory, if there is one.
type addressFile struct {
	data string // directory, "" for none
	log  *slog.Logger
}

func (f addressFile) name() string { return filepath.Join(f.data, backup.AddressName) }

func (f addressFile) write(url string) {
	if _, err := os.Stat(f.data); f.data == "" || err != nil {
		return
	}
	if err := os.WriteFile(f.name(), []byte(url+"\n"), 0o600); err != nil {
		f.log.Warn("where this server can be reached cannot be noted; parley backup needs --url", "file", f.name(),
			"cause", err)
	}
}

func (f addressFile) remove() {
	if f.data == "" {
		return
	}
	if err := os.Remove(f.name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.log.Warn("where this server could be reached is still noted", "cause", err)
	}
}
