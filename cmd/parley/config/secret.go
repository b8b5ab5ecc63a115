package config

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	errByteOrderMark = errors.New("begins with a byte order mark, which an editor has put there; save it as plain " +
		"UTF-8 without one")
	errUTF16 = errors.New("is UTF-16, which an editor has made of it; save it as plain UTF-8")
	errEdges = errors.New("begins or ends with blanks, or with what cannot be seen, which the secret elsewhere will " +
		"not; remove that (one line break at the end may stay)")
)

// readText reads a file of names or keys. It refuses a byte order mark, which would silently change the first of them.
func readText(file string) (string, error) {
	text, err := readBounded(file)
	if err != nil {
		return "", errors.New(cause(err))
	}
	return string(text), checkMark(string(text))
}

func checkMark(text string) error {
	switch {
	case strings.HasPrefix(text, "\ufeff"):
		return errByteOrderMark
	case strings.HasPrefix(text, "\xff\xfe"), strings.HasPrefix(text, "\xfe\xff"):
		return errUTF16
	}
	return nil
}

// readSecret reads a secret without the line break that editors put at its end. Blanks, further line breaks and
// invisible characters are refused at both ends: nobody would notice that they make another secret. A file that is no
// text is taken byte by byte.
func readSecret(file string) (string, error) {
	text, err := readText(file)
	if err != nil || !utf8.ValidString(text) {
		return text, err
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	first, _ := utf8.DecodeRuneInString(secret)
	last, _ := utf8.DecodeLastRuneInString(secret)
	if secret != "" && (stray(first) || stray(last)) {
		return "", errEdges
	}
	return secret, nil
}

// stray reports whether a character at an end of a secret is there by mistake.
func stray(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf) }
