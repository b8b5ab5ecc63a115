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
//	client     the other side: publish, listen in a dialect, fetch a backup
//	backup     one file of a data directory, and back
//
// Each command is a file here. A command that fails says why in one line on stderr and exits with a status that is not
// 0.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/parley-realtime/parley/cmd/parley/logline"
)

type commands struct {
	Serve   serveCommand   `cmd:"" help:"Run the server."`
	Token   tokenCommand   `cmd:"" help:"Print a signed token for a client, and nothing else."`
	Publish publishCommand `cmd:"" help:"Publish one event and print the answer."`
	Listen  listenCommand  `cmd:"" help:"Connect as a client and print what arrives, one JSON a line."`
	Check   checkCommand   `cmd:"" help:"Check a configuration and print every problem in it."`
	Config  configCommand  `cmd:"" help:"Print every setting with its default, unit, environment name and meaning."`
	Backup  backupCommand  `cmd:"" help:"${backup}"`
	Restore restoreCommand `cmd:"" help:"Make a data directory of such a file; durable topics begin new epochs."`
	Version versionCommand `cmd:"" help:"Print version, commit and Go version."`
}

func main() {
	var all commands
	stderr := logline.NewQueue(os.Stderr, nil)
	exit := func(status int) {
		stderr.Close(lastLines)
		os.Exit(status)
	}
	parser := kong.Must(&all, kong.Name("parley"), kong.Writers(os.Stdout, stderr), kong.Exit(exit),
		kong.Description("Real-time notifications: publish once over HTTP, reach every client in the protocol that "+
			"it speaks."),
		helpVars())
	chosen, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	if err := chosen.Run(); err != nil {
		fmt.Fprintln(stderr, "parley:", oneLine(err))
		exit(1)
	}
}

// lastLines is how long a process that ends waits for somebody to read its last lines.
const lastLines = time.Second

// untilSignal is a context that ends with SIGINT or SIGTERM; a second signal ends the process.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
