package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/contexts"
)

// defaultURL is where dev mode serves.
const defaultURL = "http://127.0.0.1:8000"

// serverFlags say which server a command talks to, and with which key. Commands embed them.
type serverFlags struct {
	URL     string `name:"url" env:"PARLEY_URL" placeholder:"URL" help:"${server_url}"`
	Key     string `env:"PARLEY_KEY" help:"${server_key}"`
	Context string `env:"PARLEY_CONTEXT" placeholder:"NAME" help:"${server_context}"`
}

// target is a server, and what is shown there.
type target struct {
	url, internal string // internal is url where there is no other
	key, token    string // token is "" if there is none
}

// target follows the flags. A key and a token of a context are shown to the server of that context alone.
func (f *serverFlags) target() (target, error) {
	at, err := targetOf(f.URL, f.Context)
	at.key = cmp.Or(f.Key, at.key, config.DevAPIKey)
	return at, err
}

// api makes calls of the server.
func (f *serverFlags) api() (client.API, error) {
	at, err := f.target()
	return client.API{Base: at.url, Key: at.key}, err
}

// call makes calls of the server until a signal ends them.
func (f *serverFlags) call(do func(ctx context.Context, api client.API) error) error {
	api, err := f.api()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	return do(ctx, api)
}

// targetOf is the server at a URL, else that of the context of a name, else that of the current context, else dev
// mode's.
func targetOf(url, name string) (at target, err error) {
	if url != "" {
		return target{url: url, internal: url}, nil
	}
	all, err := contexts.Open()
	if err != nil {
		return at, fmt.Errorf("contexts: %w", err)
	}
	if name = cmp.Or(name, all.Current); name == "" {
		return target{url: defaultURL, internal: defaultURL}, nil
	}
	chosen, err := all.Named(name)
	if err != nil {
		return at, err
	}
	at.url, at.internal = chosen.URL, cmp.Or(chosen.Internal, chosen.URL)
	if at.key, err = chosen.Key(); err == nil {
		at.token, err = chosen.Token()
	}
	if err != nil {
		err = fmt.Errorf("context %s: %w", name, err)
	}
	return at, err
}
