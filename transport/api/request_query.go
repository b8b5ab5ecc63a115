package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/parley-realtime/parley/protocol"
)

// How many items a page has by default, and at most.
const (
	pageSize    = 100
	maxPageSize = 1000
)

// maxCursor bounds a cursor, in bytes. The node makes the cursors; this only keeps nonsense out.
const maxCursor = 1024

// query reads the query parameters of a call. It refuses those that are not known, and those that are there twice.
func (rc *requestContext) query(known ...string) (url.Values, error) {
	if rc.r.URL.RawQuery == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(rc.r.URL.RawQuery)
	if err != nil {
		return nil, protocol.Refuse(protocol.Malformed, "the query cannot be read; is it percent-encoded?")
	}
	for name, all := range values {
		switch {
		case !slices.Contains(known, name):
			return nil, protocol.Refuse(protocol.Malformed,
				"no parameter %s; known are %s", protocol.Quote(name), strings.Join(known, ", "))
		case len(all) > 1:
			return nil, protocol.Refuse(protocol.Malformed, "parameter %s is there twice", name)
		}
	}
	return values, nil
}

// namedQuery reads the query parameters of a call and the name that it is about: from a segment of the path, or from
// one more parameter where the path has none, since some proxies decode a slash in a segment.
func (rc *requestContext) namedQuery(name string, known ...string) (value string, values url.Values, err error) {
	value = rc.r.PathValue(name)
	if value == "" {
		known = append(known, name)
	}
	if values, err = rc.query(known...); err == nil && value == "" {
		value = values.Get(name)
	}
	return value, values, err
}

// nameParam reads and checks the name that a call without other parameters is about: from a segment of the path, or
// from the query if the path has none.
func (rc *requestContext) nameParam(name string) (string, error) {
	if rc.r.URL.RawQuery != "" && rc.r.PathValue(name) != "" {
		return "", protocol.Refuse(protocol.Malformed, "this call has no query parameters")
	}
	value, _, err := rc.namedQuery(name)
	if err != nil {
		return "", err
	}
	return value, protocol.CheckName(name, value)
}

// paging reads the parameters cursor and limit.
func paging(values url.Values) (cursor string, limit int, err error) {
	cursor = values.Get("cursor")
	if len(cursor) > maxCursor || !utf8.ValidString(cursor) {
		return "", 0, protocol.Refuse(protocol.Malformed, "cursor must be what the page before ended with")
	}
	limit, err = readLimit(values)
	return cursor, limit, err
}

func readLimit(values url.Values) (int, error) {
	text := values.Get("limit")
	if text == "" {
		return pageSize, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > maxPageSize {
		return 0, protocol.Refuse(protocol.Malformed, "limit must be an integer from 1 to %d", maxPageSize)
	}
	return limit, nil
}

// optionalParam reads a parameter that may be left out, and checks it if it is there.
func optionalParam(values url.Values, name string, check func(string) error) (string, error) {
	value := values.Get(name)
	if value == "" {
		return "", nil
	}
	return value, check(value)
}

// nameCheck makes the check of a name, which messages call what.
func nameCheck(what string) func(string) error {
	return func(name string) error { return protocol.CheckName(what, name) }
}
