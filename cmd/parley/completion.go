package main

import (
	"fmt"

	"github.com/parley-realtime/parley/cmd/parley/completion"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

// Run prints the script.
func (c *completionCommand) Run() error {
	var all commands
	fmt.Print(completion.Script(c.Shell, newParser(&all).Model))
	return nil
}
