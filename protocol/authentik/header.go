package authentik

import "strings"

// cookie returns the value of the last cookie of that name, "" if there is none or it is nothing that a session's may
// be. It reads what browsers send (RFC 6265 section 4.2.1) and skips what it cannot read.
func cookie(header, name string) string {
	last := ""
	for pair := range strings.SplitSeq(header, ";") {
		if called, value, ok := strings.Cut(pair, "="); ok && strings.Trim(called, " \t") == name {
			last = strings.Trim(value, " \t")
		}
	}
	if len(last) >= 2 && last[0] == '"' && last[len(last)-1] == '"' {
		last = last[1 : len(last)-1]
	}
	if !plain(last) {
		return ""
	}
	return strings.Clone(last)
}

// bearer returns the token of an Authorization header with the scheme Bearer, "" for any other.
func bearer(header string) string {
	scheme, token, ok := strings.Cut(strings.Trim(header, " \t"), " ")
	token = strings.Trim(token, " \t")
	if !ok || !strings.EqualFold(scheme, "Bearer") || !plain(token) {
		return ""
	}
	return strings.Clone(token)
}

// plain reports whether there is nothing in a secret but visible ASCII.
func plain(text string) bool {
	for _, c := range []byte(text) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}
