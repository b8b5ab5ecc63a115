package main

import (
	"fmt"
	"os"

	"github.com/parley-realtime/parley/cmd/parley/migrate"
)

type importCommand struct {
	Centrifugo importCentrifugo `cmd:"" help:"From a configuration of Centrifugo 6."`
}

type importCentrifugo struct {
	File   string `arg:"" help:"The file, JSON or YAML."`
	Tenant string `default:"main" help:"The name of the tenant."`
}

// Run prints a configuration, and says on stderr what is not in it.
func (c *importCentrifugo) Run() error {
	config, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	file, left, err := migrate.Centrifugo(config, c.Tenant)
	if err != nil {
		return err
	}
	for _, name := range left {
		fmt.Fprintln(os.Stderr, "parley: no counterpart:", name)
	}
	_, err = os.Stdout.Write(file)
	return err
}
