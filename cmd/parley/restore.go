package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/cmd/parley/backup"
)

type restoreCommand struct {
	From    string `placeholder:"FILE" xor:"from" required:"" help:"The file that parley backup made."`
	InPlace bool   `xor:"from" required:"" help:"${restore_in_place}"`
	Data    string `required:"" placeholder:"DIR" help:"${restore_data}"`
}

// Run restores.
func (c *restoreCommand) Run() error {
	if c.InPlace {
		return c.inPlace()
	}
	f, err := os.Open(c.From)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer f.Close()
	got, err := backup.Restore(f, c.Data)
	if err != nil {
		return fmt.Errorf("restore of %s: %w", c.From, err)
	}
	fmt.Printf("%s holds %d files with %d bytes, as they were at %s; %s\n", c.Data, got.Files, got.Bytes,
		got.Created.Format("2006-01-02 15:04:05 MST"), readersAreTold)
	return nil
}

const readersAreTold = "durable topics begin new epochs, so that readers from before are told"

func (c *restoreCommand) inPlace() error {
	err := errors.Join(backup.Unfinished(c.Data), durable.MarkRestored(filepath.Join(c.Data, backup.Topics)))
	if err != nil {
		return fmt.Errorf("restore in place of %s: %w", c.Data, err)
	}
	fmt.Println("At the next start", readersAreTold)
	return nil
}
