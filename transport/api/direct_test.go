package api

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

// F36: empty lines before a request are passed over on the shortcut as net/http does, in one piece or several, whatever
// comes then; those that net/http refuses, more of them or before the first request, are refused.
func TestShortcut_PassesOverEmptyLinesBetweenRequests(t *testing.T) {
	publish := post(publishPath, event, "X-API-Key: k1")
	const get = "GET /api/v1/stats HTTP/1.1\r\nHost: x\r\nX-API-Key: k1\r\n\r\n"
	for name, c := range map[string]struct {
		says []string
		want string
	}{
		"between":             {[]string{publish + "\r\n" + publish}, "200 200"},
		"between, twice":      {[]string{publish + "\r\n\r\n" + publish + "\r\n" + publish}, "200 200 200"},
		"in a piece":          {[]string{publish, "\r\n", publish}, "200 200"},
		"in two pieces":       {[]string{publish + "\r", "\n" + publish}, "200 200"},
		"bare newline":        {[]string{publish + "\n" + publish}, "200 200"},
		"before the first":    {[]string{"\r\n" + publish}, "400"},
		"before another call": {[]string{publish + "\r\n" + get}, "200 200"},
		"too many":            {[]string{publish + "\r\n\r\n\r\n" + publish}, "200 400"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newHouse(t, Config{}).road(true)
				defer r.end()
				r.say(c.says...)
				var got []string
				for range strings.Fields(c.want) {
					status, _, _ := strings.Cut(r.hear(), " ")
					got = append(got, status)
				}
				if strings.Join(got, " ") != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
				go io.Copy(io.Discard, r)
			})
		})
	}
}
