package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/parley-realtime/parley/cmd/parley/client"
)

type publishCommand struct {
	serverFlags
	Topic string `xor:"target" help:"Publish to this topic; by default to the one that the kind names."`
	User  string `xor:"target" help:"Send to all connections of this user."`
	All   bool   `xor:"target" help:"Send to all connections of the tenant."`
	Kind  string `required:"" help:"${publish_kind}"`
	ID    string `name:"id" help:"The event's id; a second publish with it is recognised."`
	Data  string `arg:"" name:"json" help:"The event's data, a JSON object; - reads it from stdin."`
}

// maxStdin bounds the data from stdin, in bytes; servers take less.
const maxStdin = 16 << 20

// Run publishes.
func (c *publishCommand) Run() error {
	data := []byte(c.Data)
	if c.Data == "-" {
		var err error
		if data, err = io.ReadAll(io.LimitReader(os.Stdin, maxStdin)); err != nil {
			return fmt.Errorf("stdin: %w", err)
		}
	}
	api, err := c.api()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	answer, err := api.Publish(ctx, client.PublishRequest{
		Topic: c.Topic, User: c.User, All: c.All,
		Event: client.Event{Kind: c.Kind, Data: bytes.TrimSpace(data), ID: c.ID},
	})
	if err != nil {
		return err
	}
	fmt.Println(string(answer))
	return nil
}
