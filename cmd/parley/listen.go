package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/protocols"
	"github.com/parley-realtime/parley/protocol"
)

type listenCommand struct {
	URL       string   `name:"url" env:"PARLEY_URL" placeholder:"URL" help:"${listen_url}"`
	Context   string   `env:"PARLEY_CONTEXT" placeholder:"NAME" help:"${server_context}"`
	Token     string   `env:"PARLEY_TOKEN" help:"${listen_token}"`
	Dialect   string   `default:"" enum:",${dialects}" help:"${listen_dialect}"`
	Time      *bool    `negatable:"" help:"${listen_time}"`
	Reconnect bool     `negatable:"" default:"true" help:"Connect again when a connection breaks (on)."`
	Topics    []string `arg:"" optional:"" name:"topic" help:"${listen_topics}"`
}

// Run listens until a signal or the server ends it.
func (c *listenCommand) Run() error {
	at, err := targetOf(c.URL, c.Context)
	if err != nil {
		return err
	}
	known := client.DialectsOf(protocols.All)
	token := cmp.Or(c.Token, at.token)
	given := token != ""
	dialects := []string{c.Dialect}
	topics := map[string][]string{c.Dialect: c.Topics}
	if c.Dialect == "" {
		if dialects, topics, err = known.Choose(c.Topics); err != nil {
			return err
		}
	}
	if !given && local(at.url) {
		if token, err = devToken("listener"); err != nil {
			return err
		}
	}
	ctx, stop := untilSignal()
	defer stop()
	lines := &lines{out: os.Stdout, timed: isatty.IsTerminal(os.Stdout.Fd())}
	if c.Time != nil {
		lines.timed = *c.Time
	}
	var all []client.ListenOptions
	for _, dialect := range dialects {
		l := client.ListenOptions{Base: at.url, Token: token, Topics: topics[dialect], Print: lines.printer(dialect),
			Dialect: dialect, Client: known[dialect]}
		if !given && l.Client.Credential == protocol.Outpost && local(at.url) {
			l.Token = config.DevOutpostToken
			if len(l.Topics) == 0 {
				l.Topics = []string{config.DevOutpost}
			}
		}
		if c.Reconnect {
			l.Retry = func(cause error, in time.Duration) {
				fmt.Fprintf(os.Stderr, "parley: %s; connecting again in %s\n",
					oneLine(fmt.Errorf("%s: %w", dialect, cause)), in.Round(100*time.Millisecond))
			}
		}
		all = append(all, l)
	}
	return listenTo(ctx, all)
}

// listenTo listens in several dialects at once until one ends with an error, or all have ended. A dialect that the
// server does not speak is left out, unless it is the only one. The others begin when the server has let the first one
// in, or has refused it: its refusal is the clearest.
func listenTo(ctx context.Context, all []client.ListenOptions) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var listening sync.WaitGroup
	missing := make(chan error, len(all))
	first := make(chan struct{})
	begin := sync.OnceFunc(func() { close(first) })
	for i, l := range all {
		listening.Go(func() {
			if i > 0 {
				<-first
			}
			l.Admitted = begin
			err := client.Listen(ctx, l)
			defer begin()
			if err == nil {
				return
			}
			err = fmt.Errorf("%s: %w", l.Dialect, err)
			if refused, ok := errors.AsType[*client.Refused](err); ok && refused.NotServed {
				missing <- err
				return
			}
			stop(err)
		})
	}
	listening.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	if len(missing) == len(all) {
		return <-missing
	}
	return nil
}

// lines writes the lines of all dialects, one at a time.
type lines struct {
	out   io.Writer
	timed bool

	mu sync.Mutex
}

// printer returns what prints the lines of a dialect.
func (l *lines) printer(dialect string) func([]byte) error {
	return func(line []byte) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.timed {
			line = append(fmt.Appendf(nil, "%s %-10s ", time.Now().Format("15:04:05.000"), dialect),
				bytes.TrimSpace(line)...)
			line = append(line, '\n')
		}
		_, err := l.out.Write(line)
		return err
	}
}

// local reports whether a URL leads to this machine, where dev mode may run.
func local(base string) bool {
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	host := u.Host
	if u.Port() == "" {
		host += ":80"
	}
	return config.Loopback(host)
}
