package main

import (
	"os"

	"github.com/parley-realtime/parley/cmd/parley/contexts"
	"github.com/parley-realtime/parley/cmd/parley/terminal"
)

type contextCommand struct {
	Add  contextAddCommand  `cmd:"" help:"Add a context, or replace the one of that name."`
	Use  contextUseCommand  `cmd:"" help:"Make a context the one that commands use."`
	List contextListCommand `cmd:"" help:"Print the contexts; the current one has a star."`
}

type contextAddCommand struct {
	Name      string `arg:"" help:"Its name, such as prod."`
	URL       string `name:"url" required:"" placeholder:"URL" help:"The server's public address."`
	Internal  string `placeholder:"URL" help:"Its internal address, if that can be reached; top shows more then."`
	KeyFile   string `placeholder:"FILE" help:"A file with the tenant's API key."`
	TokenFile string `placeholder:"FILE" help:"A file with a client's token, for listen."`
}

// Run adds a context.
func (c *contextAddCommand) Run() error {
	all, err := contexts.Open()
	if err != nil {
		return err
	}
	added := contexts.Context{URL: c.URL, Internal: c.Internal, KeyFile: c.KeyFile, TokenFile: c.TokenFile}
	if err := all.Add(c.Name, added); err != nil {
		return err
	}
	return all.Save()
}

type contextUseCommand struct {
	Name string `arg:"" help:"The context that commands use from now on."`
}

// Run makes a context the current one.
func (c *contextUseCommand) Run() error {
	all, err := contexts.Open()
	if err != nil {
		return err
	}
	if err := all.Use(c.Name); err != nil {
		return err
	}
	return all.Save()
}

type contextListCommand struct{ terminal.Output }

// Run prints the contexts.
func (c *contextListCommand) Run() error {
	all, err := contexts.Open()
	if err != nil {
		return err
	}
	p := c.Printer(os.Stdout)
	if p.JSON() {
		return p.Value(all)
	}
	var rows [][]string
	for _, name := range all.Names() {
		one, mark := all.All[name], ""
		if name == all.Current {
			mark = "*"
		}
		rows = append(rows, []string{mark, name, one.URL, one.Internal, one.KeyFile, one.TokenFile})
	}
	return p.Table([]string{"", "NAME", "URL", "INTERNAL", "KEY FILE", "TOKEN FILE"}, rows)
}
