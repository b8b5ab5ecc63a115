package server

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"github.com/parley-realtime/parley/cmd/parley/backup"
)

// backup writes an archive of the data directory while the server runs. It ends with the context.
func (s *Server) backup(ctx context.Context, to io.Writer) error {
	return s.node.Checkpoint(func(store string) error {
		return backup.Write(contextWriter{ctx, to}, s.config.Data, store, s.options.Version)
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

// writeAddress writes the internal address to the data directory, if there is one, where an operator's commands find
// it.
func (s *Server) writeAddress() {
	name := filepath.Join(s.config.Data, backup.AddressName)
	if _, err := os.Stat(s.config.Data); s.config.Data == "" || err != nil {
		return
	}
	if err := os.WriteFile(name, []byte(s.internalURL()+"\n"), 0o600); err != nil {
		s.log.Warn("where this server can be reached cannot be noted; parley backup needs --url", "file", name, "cause",
			err)
	}
}

func (s *Server) removeAddress() {
	if s.config.Data == "" {
		return
	}
	if err := os.Remove(filepath.Join(s.config.Data, backup.AddressName)); err != nil &&
		!errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("where this server could be reached is still noted", "cause", err)
	}
}

// internalURL is the URL of operators' calls, as this machine reaches it.
func (s *Server) internalURL() string {
	scheme := "http"
	if s.internal == nil && s.config.TLS.On() {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(s.Internal())
	if err != nil {
		return scheme + "://" + s.Internal()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
