// Package logline makes the server's log: one event, one line, as JSON or for a person.
//
// It promises that no line holds a control or invisible character, a value longer than [MaxValue], or anything that
// looks like a JWT, whatever a client put into a name, a header or a close reason. Credentials have a type of their own
// that does not print, and URLs are printed without their query; this is the net below.
//
// [Open] makes a log that never holds up its writers: lines wait in a bounded queue while their reader is slow, and are
// lost and counted when it is full or the stream is broken.
//
// It does not know who logs what.
package logline

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxValue bounds one value of a line, in bytes; a longer one is cut and ends in "...".
const MaxValue = 1 << 10

// New makes a logger. format is json or text; level is debug, info, warn or error.
func New(w io.Writer, format, level string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q: use debug, info, warn or error", level)
	}
	options := &slog.HandlerOptions{Level: least, ReplaceAttr: clean}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	}
	return nil, fmt.Errorf("log format %q: use json or text", format)
}

// clean is called for each attribute of each line, the message included.
func clean(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(Clean(a.Value.String()))
	case slog.KindAny:
		a.Value = slog.StringValue(Clean(text(a.Value.Any())))
	}
	a.Key = Clean(a.Key)
	return a
}

func text(value any) string {
	switch value := value.(type) {
	case *slog.Source, slog.Level:
		return fmt.Sprint(value)
	case *url.URL:
		return WithoutQuery(value)
	case error:
		return value.Error()
	}
	return fmt.Sprint(value)
}

// WithoutQuery is a URL as a log may show it: its query may hold a token.
func WithoutQuery(u *url.URL) string {
	if u == nil {
		return ""
	}
	bare := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return bare.String()
}

// Clean makes text fit for a line.
func Clean(text string) string {
	if len(text) > MaxValue {
		cut := MaxValue
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "..."
	}
	if strings.Contains(text, "eyJ") {
		text = withoutTokens(text)
	}
	if strings.IndexFunc(text, unfit) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unfit(r) {
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unfit are characters that could break a line, hide in it or turn it around. U+FFFD stands for invalid UTF-8 as well.
func unfit(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r == utf8.RuneError
}

// withoutTokens replaces what begins like a JWT ("eyJ" is {" in base64) and has a dot in it, to its end.
func withoutTokens(text string) string {
	var b strings.Builder
	for {
		start := strings.Index(text, "eyJ")
		if start < 0 {
			b.WriteString(text)
			return b.String()
		}
		end := start
		for end < len(text) && inToken(text[end]) {
			end++
		}
		b.WriteString(text[:start])
		if strings.Contains(text[start:end], ".") || end-start > 32 {
			b.WriteString("[token]")
		} else {
			b.WriteString(text[start:end])
		}
		text = text[end:]
	}
}

func inToken(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}
