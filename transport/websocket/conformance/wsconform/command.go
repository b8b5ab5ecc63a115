package main

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/parley-realtime/parley/transport/websocket/conformance"
)

// command is a command line.
type command struct {
	target  conformance.Target
	options conformance.Options

	list, strict, verbose, quiet bool
	maxWeak                      int    // how many cases may be weak; -1 is any number
	json                         string // a file
}

func (c *command) parse(args []string, errs io.Writer) error {
	f := flag.NewFlagSet("wsconform", flag.ContinueOnError)
	f.SetOutput(errs)
	c.targetFlags(f)
	c.optionFlags(f)
	c.outputFlags(f)
	if err := f.Parse(args); err != nil {
		return err
	}
	switch {
	case f.NArg() > 0:
		return fmt.Errorf("%q is no flag", f.Arg(0))
	case c.target.URL == "" && !c.list:
		return errors.New("--url is required")
	}
	return nil
}

func (c *command) targetFlags(f *flag.FlagSet) {
	t := &c.target
	f.StringVar(&t.URL, "url", "", "ws:// or wss:// `address` of the endpoint")
	f.Func("mode", "`echo` (the default): the endpoint says back what it hears; "+
		"live: it speaks a protocol of its own, and only the cases that need no echo are played",
		func(mode string) error {
			t.Live = mode == "live"
			if mode != "live" && mode != "echo" {
				return errors.New("must be echo or live")
			}
			return nil
		})
	f.IntVar(&t.MaxMessage, "max-message", 16<<20,
		"the server's own limit in `bytes`: a larger message must get 1009, one of that size must pass")
	t.Header = http.Header{}
	f.Func("header", "`'K: V'` is sent with each handshake (repeatable)", func(line string) error {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return errors.New("must have a colon")
		}
		t.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
		return nil
	})
	f.StringVar(&t.Subprotocol, "subprotocol", "", "`value` of Sec-WebSocket-Protocol")
	f.Func("send-first", "`text` that is sent after each handshake, such as a login (repeatable)",
		appendTo(&t.SendFirst))
	seconds(f, &t.Timeout, "timeout", 4, "how long each reaction of the server may take")
	seconds(f, &t.HandshakeLimit, "handshake-limit", 20, "how long an unfinished handshake may stay open")
	f.IntVar(&t.Rounds, "count", 500, "`messages` that go back and forth in such cases")
	f.BoolFunc("insecure", "do not verify the certificate of a wss:// server", func(string) error {
		t.TLS = &tls.Config{InsecureSkipVerify: true}
		return nil
	})
}

func (c *command) optionFlags(f *flag.FlagSet) {
	o := &c.options
	f.Func("only", "`pattern` of what to play: a group, an id, a glob of ids, or words of a title (repeatable)",
		appendTo(&o.Only))
	f.Func("skip", "`pattern` of what to leave out (repeatable)", appendTo(&o.Skip))
	f.BoolVar(&o.Fast, "fast", false, "leave out the cases that wait for a server's timeouts")
	for _, name := range []string{"x", "exit-first"} {
		f.BoolVar(&o.StopAtFailure, name, false, "stop at the first failure")
	}
	for _, name := range []string{"j", "jobs"} {
		f.IntVar(&o.Jobs, name, 1, "`cases` that are played side by side")
	}
	seconds(f, &o.Wait, "wait", 5, "how long the server may take to be there, or to come back")
}

func (c *command) outputFlags(f *flag.FlagSet) {
	f.BoolVar(&c.list, "list", false, "print the cases, with the section in which their rule stands, and play nothing")
	f.BoolVar(&c.strict, "strict", false, "count weak cases as failed")
	f.IntVar(&c.maxWeak, "max-weak", -1, "how many weak `cases` there may be without exit status 1; -1 is any number")
	f.StringVar(&c.json, "json", "", "`file` for all results")
	for _, name := range []string{"v", "verbose"} {
		f.BoolVar(&c.verbose, name, false, "print every case")
	}
	for _, name := range []string{"q", "quiet"} {
		f.BoolVar(&c.quiet, name, false, "print failures only at the end")
	}
}

func appendTo(all *[]string) func(string) error {
	return func(value string) error {
		*all = append(*all, value)
		return nil
	}
}

// seconds is a flag of a number of seconds, which may be a fraction.
func seconds(f *flag.FlagSet, d *time.Duration, name string, by float64, help string) {
	*d = time.Duration(by * float64(time.Second))
	f.Func(name, fmt.Sprintf("%s, in `seconds` (default %g)", help, by), func(value string) error {
		parsed, err := time.ParseDuration(strings.TrimSuffix(value, "s") + "s")
		*d = parsed
		return err
	})
}
