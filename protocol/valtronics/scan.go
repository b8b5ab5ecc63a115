package valtronics

import (
	"bytes"

	"github.com/parley-realtime/parley/protocol"
)

// has reports whether an object, which must be valid JSON, has a member of that name at its top. It reads past the rest
// without making anything of it, since it runs for every metric that is encoded.
func has(object []byte, name string) bool {
	depth := 0
	for i := 0; i < len(object); i++ {
		switch object[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			end := closing(object, i)
			if depth == 1 && isName(object[end:]) && says(object[i:end], name) {
				return true
			}
			i = end - 1
		}
	}
	return false
}

// closing is the index behind the string that begins at i.
func closing(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// isName reports whether what follows a string makes it the name of a member.
func isName(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return len(rest) > 0 && rest[0] == ':'
}

func says(quoted []byte, name string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return len(quoted) == len(name)+2 && string(quoted[1:len(quoted)-1]) == name
	}
	text, _ := protocol.Text(quoted)
	return text == name
}
