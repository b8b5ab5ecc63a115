package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
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
	serverFlags
	Token     string        `env:"PARLEY_TOKEN" help:"${listen_token}"`
	User      string        `default:"listener" help:"${listen_user}"`
	Dialect   string        `default:"" enum:",${dialects}" help:"${listen_dialect}"`
	Kind      []string      `placeholder:"KIND" help:"${listen_kind}"`
	Grep      string        `placeholder:"REGEXP" help:"Only messages with text that this regular expression finds."`
	Count     int           `placeholder:"N" help:"End when so many messages came."`
	For       time.Duration `placeholder:"TIME" help:"End after so long; with status 1 if less than --count came."`
	Time      *bool         `aliases:"times" negatable:"" help:"${listen_time}"`
	Stats     bool          `help:"Say at the end how many messages came, of what kind and how fast (on stderr)."`
	Exec      string        `placeholder:"CMD" help:"${listen_exec}"`
	Reconnect bool          `negatable:"" default:"true" help:"Connect again when a connection breaks (on)."`
	Topics    []string      `arg:"" optional:"" name:"topic" help:"${listen_topics}"`
}

// Run listens until a signal, the server, --count or --for ends it.
func (c *listenCommand) Run() error {
	at, err := c.target()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	if c.For > 0 {
		ctx, stop = context.WithTimeout(ctx, c.For)
		defer stop()
	}
	messages, err := c.messages(stop)
	if err != nil {
		return err
	}
	all, err := c.listeners(at, messages)
	if err != nil {
		return err
	}
	err = listenTo(ctx, all)
	messages.asking.Wait()
	if c.Stats {
		messages.printStats(os.Stderr)
	}
	if came := messages.taken(); err == nil && came < c.Count && ctx.Err() == context.DeadlineExceeded {
		return fmt.Errorf("%d of %d messages came within %s", came, c.Count, c.For)
	}
	return err
}

// messages takes what arrives; enough is called when as much came as was wanted.
func (c *listenCommand) messages(enough func()) (*messages, error) {
	m := &messages{kinds: c.Kind, out: os.Stdout, timed: isatty.IsTerminal(os.Stdout.Fd()),
		command: strings.Fields(c.Exec), limit: c.Count, enough: enough, began: time.Now(),
		counts: map[string]*listenCount{}}
	if c.Time != nil {
		m.timed = *c.Time
	}
	var err error
	if c.Grep != "" {
		m.pattern, err = regexp.Compile(c.Grep)
	}
	return m, err
}

// listeners are a client of each dialect that is to be spoken.
func (c *listenCommand) listeners(at target, to *messages) (all []client.ListenOptions, err error) {
	known := client.DialectsOf(protocols.All)
	dialects, topics := []string{c.Dialect}, map[string][]string{c.Dialect: c.Topics}
	if c.Dialect == "" {
		if dialects, topics, err = known.Choose(c.Topics); err != nil {
			return nil, err
		}
	}
	show, err := c.credential(at)
	if err != nil {
		return nil, err
	}
	for _, dialect := range dialects {
		l := client.ListenOptions{Base: at.url, Topics: topics[dialect], Dialect: dialect, Client: known[dialect]}
		show.show(&l)
		l.Print = to.printer(dialect, l.Client)
		if c.Reconnect {
			again := reconnection{dialect: dialect, api: client.API{Base: at.url, Key: at.key}, token: l.Token, to: to}
			l.Retry, l.Admitted = again.broken, again.admitted
		}
		all = append(all, l)
	}
	return all, nil
}

// shown is the token that clients show; dev says that it is one of dev mode, made here.
type shown struct {
	token string
	dev   bool
}

// show has a client show it; an outpost of dev mode has a token of its own, and a topic.
func (s shown) show(l *client.ListenOptions) {
	l.Token = s.token
	if s.dev && l.Client.Credential == protocol.Outpost {
		l.Token = config.DevOutpostToken
		if len(l.Topics) == 0 {
			l.Topics = []string{config.DevOutpost}
		}
	}
}

// credential is what the clients show: a flag's token, the context's, or for a server on this machine one of dev mode.
func (c *listenCommand) credential(at target) (show shown, err error) {
	if show.token = c.Token; show.token == "" {
		show.token = at.token
	}
	if show.token == "" && local(at.url) {
		show.dev = true
		show.token, err = devToken(c.User)
	} else if c.User != defaultListener {
		err = errors.New("--user is for dev mode on this machine: elsewhere the token says who the client is")
	}
	return show, err
}

// defaultListener is the user of dev mode who listens.
const defaultListener = "listener"

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
			defer begin()
			err := listenIn(ctx, l, begin)
			if refused, ok := errors.AsType[*client.Refused](err); ok && refused.NotServed {
				missing <- err
			} else if err != nil {
				stop(err)
			}
		})
	}
	listening.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) &&
		!errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if len(missing) == len(all) {
		return <-missing
	}
	return nil
}

// listenIn listens in one dialect, and calls begin as soon as the server has let the client in.
func listenIn(ctx context.Context, l client.ListenOptions, begin func()) error {
	admitted := l.Admitted
	l.Admitted = func() {
		begin()
		if admitted != nil {
			admitted()
		}
	}
	if err := client.Listen(ctx, l); err != nil {
		return fmt.Errorf("%s: %w", l.Dialect, err)
	}
	return nil
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
