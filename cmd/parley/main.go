// Command parley is the notification server and the small tools around it.
//
// This is the only place that reads files, flags and the environment. The packages below it:
//
//	protocols  the list of protocols; a new one is a line there
//	config     one YAML file, the environment over it, flags over both
//	server     puts the parts together, listens, reloads, drains
//	feed       the machine's figures, and the sample events of dev mode
//	logline    the log
//	systemd    readiness and watchdog, for systemd
//	client     the other side: the HTTP API, listening in a dialect
//	contexts   the servers that a person works with, each under a name
//	terminal   text for people, JSON for scripts
//	completion what shells complete
//	top        what a server does, second by second
//	load       a small load test
//	doctor     what is wrong with the machine, the proxy and the services around
//	migrate    configurations made of other servers'
//	backup     one file of a data directory, and back
//
// Each command is a file here. A command that fails says why in one line on stderr and exits with a status that is not
// 0: 1 if it was refused or something is not well, 2 if the server could not be asked, 80 if it was called wrongly.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/cmd/parley/logline"
	"github.com/parley-realtime/parley/cmd/parley/terminal"
)

type commands struct {
	Serve   serveCommand   `cmd:"" help:"Run the server."`
	Token   tokenCommand   `cmd:"" help:"Print a signed token for a client, and nothing else."`
	Publish publishCommand `cmd:"" help:"Publish one event and print the answer."`
	Listen  listenCommand  `cmd:"" help:"Connect as a client and print what arrives, one JSON a line."`
	History historyCommand `cmd:"" help:"Print the events that a topic retains."`
	Kick    kickCommand    `cmd:"" help:"Close a connection, or all of a user."`
	Why     whyCommand     `cmd:"" help:"Say how a connection ended, or why a client was refused."`
	Context contextCommand `cmd:"" help:"Keep which servers you work with, each under a name."`
	Top     topCommand     `cmd:"" help:"Show what a server does, second by second."`
	Bench   benchCommand   `cmd:"" help:"Load a server with clients of one protocol, and measure what they hear."`
	Doctor  doctorCommand  `cmd:"" help:"Look for what keeps a server from serving well, and say how to repair it."`
	Explain explainCommand `cmd:"" help:"Ask whether a client may do something, and which rule decides."`
	Tap     tapCommand     `cmd:"" help:"Print the frames of a connection, a user or a topic while they pass."`
	Faults  faultsCommand  `cmd:"" help:"Have a server misbehave for a while, to test clients."`
	Check   checkCommand   `cmd:"" help:"Check a configuration and print every problem in it."`
	Config  configCommand  `cmd:"" help:"Print every setting with its default, unit, environment name and meaning."`
	Import  importCommand  `cmd:"" help:"Print a configuration made of another server's."`
	Backup  backupCommand  `cmd:"" help:"${backup}"`
	Restore restoreCommand `cmd:"" help:"Make a data directory of such a file; durable topics begin new epochs."`
	Version versionCommand `cmd:"" help:"Print version, commit and Go version."`

	Completion completionCommand `cmd:"" help:"Print the completion script of a shell."`
}

func main() {
	var all commands
	stderr := logline.NewQueue(os.Stderr, nil)
	exit := func(status int) {
		stderr.Close(lastLines)
		os.Exit(status)
	}
	parser := newParser(&all, kong.Writers(os.Stdout, stderr), kong.Exit(exit))
	chosen, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	if err := chosen.Run(); err != nil {
		if text := oneLine(err); text != "" {
			fmt.Fprintln(stderr, "parley:", text)
		}
		exit(statusOf(err))
	}
}

// newParser makes the parser of the command line.
func newParser(all *commands, options ...kong.Option) *kong.Kong {
	return kong.Must(all, append(options, kong.Name("parley"), helpVars(),
		kong.Description("Real-time notifications: publish once over HTTP, reach every client in the protocol that "+
			"it speaks."))...)
}

// statusOf is the status with which a command that failed ends the process; README has the table.
func statusOf(err error) int {
	if said, ok := errors.AsType[*terminal.Exit](err); ok {
		return said.Status
	}
	if _, ok := errors.AsType[*client.Unreachable](err); ok {
		return terminal.Unreached
	}
	return terminal.Failed
}

// lastLines is how long a process that ends waits for somebody to read its last lines.
const lastLines = time.Second

// untilSignal is a context that ends with SIGINT or SIGTERM; a second signal ends the process.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
