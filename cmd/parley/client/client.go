// Package client is Parley from the other side: what the command line needs to publish to a server and to listen to it
// in one of its dialects.
//
// It uses github.com/coder/websocket: a small, maintained client with contexts, which is not the library that the
// server speaks with, so that a mistake of the one is not hidden by the same mistake of the other.
//
// It does not know the server's packages, nor any dialect: each protocol's registration says how a client speaks it.
package client

import (
	"fmt"
	"net/url"
	"strings"
)

// maxAnswer bounds an HTTP answer or a message that is read, in bytes.
const maxAnswer = 16 << 20

// endpoint makes the address to talk to of what a user wrote: a URL or host:port, with or without a path. web is http
// or ws; an s is added if the user's scheme has one.
func endpoint(base, web, path string) (*url.URL, error) {
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("URL %.100q is no address such as http://127.0.0.1:8000", base)
	}
	switch u.Scheme {
	case "http", "ws":
		u.Scheme = web
	case "https", "wss":
		u.Scheme = web + "s"
	default:
		return nil, fmt.Errorf("URL scheme %.20q: use http, https, ws or wss", u.Scheme)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = path
	}
	return u, nil
}
