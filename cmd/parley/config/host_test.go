package config

import "testing"

// F36: a host is the same with a dot at its end, with a port, in capitals, and an address in any spelling.
func TestCanonicalHost_IsOneSpelling(t *testing.T) {
	for host, want := range map[string]string{
		"a.example": "a.example", "A.Example.": "a.example", "a.example.:8000": "a.example", "a.example:": "a.example",
		"a.example:80": "a.example",
		"[::1]":        "::1", "[::1]:8000": "::1", "[0:0::1]": "::1", "::1": "::1", "127.0.0.1:1": "127.0.0.1",
		"[::ffff:127.0.0.1]:1": "127.0.0.1", "": "", ".": "",
	} {
		if got := CanonicalHost(host); got != want {
			t.Errorf("%q is %q, want %q", host, got, want)
		}
	}
}
