package fastpath

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// F36: empty lines before a request are passed over on the fast path as net/http does, in one piece or several,
// whatever comes then; those that net/http refuses, more of them or before the first request, are refused.
func TestFastPath_SkipsEmptyLinesBetweenRequests(t *testing.T) {
	publish := post(echoPath, "hello")
	const get = "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, c := range map[string]struct {
		parts []string
		want  string
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
			sameAsNetHTTP(t, c.parts...)
			synctest.Test(t, func(t *testing.T) {
				s := startFast()
				defer s.end()
				s.send(c.parts...)
				var got []string
				for range strings.Fields(c.want) {
					status, _, _ := strings.Cut(s.receive(), " ")
					got = append(got, status)
				}
				if strings.Join(got, " ") != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
				go io.Copy(io.Discard, s)
			})
		})
	}
}

// A client that goes away behind one to three bytes gets no 400, and a client that pauses there is idle, as with
// net/http.
func TestFastPath_AFewBytesBehindARequestAreWaitedForAsByNetHTTP(t *testing.T) {
	for _, few := range []string{"P", "PO", "POS", "POST", "\r", "\r\nP", "\r\nPO", "\r\n\r\n", "\n\n\n\nP"} {
		sameAsNetHTTP(t, usual+few)
		sameAsNetHTTP(t, usual, few)
		sameAsNetHTTP(t, usual, few[:1], few[1:])
	}
	synctest.Test(t, func(t *testing.T) {
		s := startFast()
		defer s.end()
		for _, cut := range []int{1, 2, 3} {
			s.send(usual + usual[:cut])
			s.receive()
			time.Sleep(time.Minute) // longer than the time for a head
			s.send(usual[cut:])
			if got := s.receive(); !strings.HasPrefix(got, "200") || s.slow.Load() > 0 {
				t.Errorf("after a pause behind %q: %s", usual[:cut], got)
			}
		}
	})
}
