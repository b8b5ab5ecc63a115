package authentik

import "strings"

// cookie returns the value of the first cookie of that name that is not empty, "" if there is none. It reads what
// browsers send (RFC 6265 section 4.2.1) and skips what it cannot read.
func cookie(header, name string) string {
	for pair := range strings.SplitSeq(header, ";") {
		called, value, ok := strings.Cut(pair, "=")
		if !ok || strings.Trim(called, " \t") != name {
			continue
		}
		value = strings.Trim(value, " \t")
		if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
			value = value[1 : len(value)-1]
		}
		if value != "" && plain(value) {
			return strings.Clone(value)
		}
	}
	return ""
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
