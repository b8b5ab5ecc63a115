package websocket

import (
	"net/http"
	"testing"
)

func TestHandshake_TrustedProxiesNameTheClient(t *testing.T) {
	trusted, err := parseProxies([]string{"10.0.0.0/8", "127.0.0.1", "fd00::/8"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		peer    string
		headers []string
		want    source
	}{
		{"192.0.2.1:5", []string{"X-Forwarded-For", "1.1.1.1", "X-Real-Ip", "2.2.2.2",
			"X-Forwarded-Proto", "https", "X-Forwarded-Host", "h"}, source{"192.0.2.1", "own"}},
		{"10.1.1.1:5", nil, source{"10.1.1.1", "own"}},
		{"10.1.1.1:5", []string{"X-Forwarded-For", "6.6.6.6, 1.1.1.1"}, source{"1.1.1.1", "own"}},
		{"10.1.1.1:5", []string{"X-Forwarded-For", "6.6.6.6", "X-Forwarded-For", "1.1.1.1 , 10.2.2.2"},
			source{"1.1.1.1", "own"}},
		{"10.1.1.1:5", []string{"X-Forwarded-For", "10.3.3.3"}, source{"10.3.3.3", "own"}},
		{"10.1.1.1:5", []string{"X-Forwarded-For", "1.1.1.1, rubbish, 10.2.2.2"}, source{"10.2.2.2", "own"}},
		{"10.1.1.1:5", []string{"X-Forwarded-For", "rubbish\n", "X-Real-Ip", "2.2.2.2"}, source{"2.2.2.2", "own"}},
		{"[::ffff:127.0.0.1]:5", []string{"X-Forwarded-For", "[2001:db8::1]:443", "X-Forwarded-Proto", "https",
			"X-Forwarded-Host", "Out.example, in"}, source{"2001:db8::1", "out.example"}},
		{"[fd00::1%eth0]:5", []string{"X-Forwarded-For", "1.1.1.1:77", "X-Forwarded-Proto", "gopher"},
			source{"1.1.1.1", "own"}},
		{"pipe", []string{"X-Forwarded-For", "1.1.1.1"}, source{"pipe", "own"}},
	} {
		r := &http.Request{RemoteAddr: c.peer, Host: "own", Header: http.Header{}}
		for i := 0; i < len(c.headers); i += 2 {
			r.Header.Add(c.headers[i], c.headers[i+1])
		}
		if got := trusted.source(r); got != c.want {
			t.Errorf("%s with %q is %+v, not %+v", c.peer, c.headers, got, c.want)
		}
	}
}
