package websocket

import (
	"fmt"
	"strings"

	"github.com/parley-realtime/parley/protocol"
)

// route is one dialect with what its sockets share.
type route struct {
	dialect  protocol.Dialect
	limits   *frameLimits
	upgrader *upgrader
}

// routes find a dialect by its exact path. They clean no path and redirect none: a path that is written in another way
// is another path.
type routes struct {
	exact    map[string]*route
	patterns []pattern
}

// pattern is a path with segments that match any one segment.
type pattern struct {
	path     string
	segments []string // {} for any
	route    *route
}

// add registers a path. The error names the dialects that claim it, or says that it is no path.
func (rs *routes) add(path string, r *route) error {
	if !strings.HasPrefix(path, "/") {
		return fmt.Errorf("dialect %s: path %q does not begin with /", r.dialect.Name(), path)
	}
	if !strings.Contains(path, "{") {
		if other := rs.exact[path]; other != nil {
			return fmt.Errorf("path %s is claimed by dialects %s and %s", path, other.dialect.Name(), r.dialect.Name())
		}
		rs.exact[path] = r
		return nil
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") {
			segments[i] = "{}"
		}
	}
	for _, p := range rs.patterns {
		if strings.Join(p.segments, "/") == strings.Join(segments, "/") {
			return fmt.Errorf("path %s is claimed by dialects %s and %s",
				path, p.route.dialect.Name(), r.dialect.Name())
		}
	}
	rs.patterns = append(rs.patterns, pattern{path, segments, r})
	return nil
}

// find returns the route of a path, nil if there is none, and the pattern by which it was found. Exact paths go before
// patterns.
func (rs *routes) find(path string) (r *route, pattern string) {
	if r := rs.exact[path]; r != nil {
		return r, path
	}
	for i := range rs.patterns {
		if p := &rs.patterns[i]; p.match(path) {
			return p.route, p.path
		}
	}
	return nil, ""
}

func (p *pattern) match(path string) bool {
	if strings.Count(path, "/") != len(p.segments)-1 {
		return false
	}
	i := 0
	for segment := range strings.SplitSeq(path, "/") {
		if want := p.segments[i]; want != segment && (want != "{}" || segment == "") {
			return false
		}
		i++
	}
	return true
}
