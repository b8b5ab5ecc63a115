package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/cmd/parley/backup"
	"github.com/parley-realtime/parley/cmd/parley/client"
)

type backupCommand struct {
	Data string `required:"" placeholder:"DIR" help:"The data directory."`
	To   string `required:"" placeholder:"FILE" help:"${backup_to}"`
	URL  string `name:"url" placeholder:"URL" help:"${backup_url}"`
	Key  string `env:"PARLEY_API_ADMIN_KEY" help:"The admin key (api.admin_key), if the server has one."`
}

// Run makes a backup: by itself if no server has the directory open, else by the server.
func (c *backupCommand) Run() error {
	if err := errors.Join(backup.Unfinished(c.Data), backup.Outside(c.Data, c.To)); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	ctx, stop := untilSignal()
	defer stop()
	made, err := backup.File(c.To, func(to io.Writer) error { return c.write(ctx, to) })
	if err != nil {
		return fmt.Errorf("backup of %s to %s: %w", c.Data, c.To, err)
	}
	fmt.Printf("%s holds %d files with %d bytes of %s\n", c.To, made.Files, made.Bytes, c.Data)
	return nil
}

func (c *backupCommand) write(ctx context.Context, to io.Writer) error {
	own := func() error { return backup.Write(to, c.Data, "", version) }
	err := durable.WithLock(filepath.Join(c.Data, backup.Topics), own)
	switch {
	case errors.Is(err, fs.ErrNotExist): // no durable topics, so there is nothing that must not change meanwhile
		return own()
	case errors.Is(err, durable.ErrInUse):
		return c.ask(ctx, to)
	}
	return err
}

// ask has the server that has the directory open make the backup.
func (c *backupCommand) ask(ctx context.Context, to io.Writer) error {
	at := c.URL
	if at == "" {
		said, err := os.ReadFile(filepath.Join(c.Data, backup.AddressName))
		if err != nil {
			return fmt.Errorf("a server has the directory open and has not left its address there (%w); name it with "+
				"--url", err)
		}
		at = strings.TrimSpace(string(said))
	}
	if err := client.Backup(ctx, at, c.Key, to); err != nil {
		return fmt.Errorf("the server at %s, which has the directory open: %w", at, err)
	}
	return nil
}
