package websocket

import (
	"fmt"
	"net/url"
	"strings"
)

// origins are the allowed foreign ones.
type origins struct {
	all   bool
	known map[string]bool
}

func readOrigins(list []string) (origins, error) {
	o := origins{known: map[string]bool{}}
	for _, text := range list {
		if text == "*" {
			o.all = true
			continue
		}
		canonical, ok := canonicalOrigin(text)
		if !ok {
			return o, fmt.Errorf("origin %q is not scheme://host[:port] and not *", text)
		}
		o.known[canonical] = true
	}
	return o, nil
}

// allow judges the Origin lines of a request that reached us as own (scheme://host). Clients that are no browsers send none.
func (o *origins) allow(lines []string, own string) bool {
	switch len(lines) {
	case 0:
		return true
	case 1:
		theirs, ok := canonicalOrigin(lines[0])
		if !ok { // "null" too: a sandboxed page is nobody
			return false
		}
		ours, ok := canonicalOrigin(own)
		return o.all || o.known[theirs] || ok && theirs == ours
	}
	return false
}

// canonicalOrigin brings scheme://host[:port] into the form that equal origins share: lower case, no default port.
func canonicalOrigin(text string) (string, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery ||
		u.Fragment != "" || strings.HasSuffix(text, "#") {
		return "", false
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	port := u.Port()
	if port == "" && strings.HasSuffix(u.Host, ":") {
		return "", false
	}
	if port != "" && !(scheme == "http" && port == "80") && !(scheme == "https" && port == "443") {
		host += ":" + port
	}
	return scheme + "://" + host, true
}
