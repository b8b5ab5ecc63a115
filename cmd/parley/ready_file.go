package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/parley-realtime/parley/cmd/parley/server"
	"github.com/parley-realtime/parley/cmd/parley/wholefile"
)

// readyFile is where a server says that it serves, and where; a name of "" is none. It is there, and whole, exactly
// while the server serves, unless the process was killed.
type readyFile struct{ name string }

// readiness is its content.
type readiness struct {
	URL       string   `json:"url"`
	Internal  string   `json:"internal_url"`
	Address   string   `json:"address"`
	Listeners []string `json:"listeners,omitempty"` // of the further listeners, host:port
	PID       int      `json:"pid"`
	Version   string   `json:"version"`
}

func (f readyFile) write(s *server.Server) error {
	if f.name == "" {
		return nil
	}
	public, internal := s.URLs()
	content, err := json.Marshal(readiness{URL: public, Internal: internal, Address: s.Address(),
		Listeners: s.ListenerAddresses(), PID: os.Getpid(), Version: version})
	if err == nil {
		err = wholefile.Replace(f.name, append(content, '\n'))
	}
	if err != nil {
		return fmt.Errorf("--ready-file: %w", err)
	}
	return nil
}

// remove removes the file of a server that has ended, or of one before.
func (f readyFile) remove() error {
	if f.name == "" {
		return nil
	}
	if err := os.Remove(f.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--ready-file: %w", err)
	}
	return nil
}
