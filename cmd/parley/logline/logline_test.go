package logline_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/parley-realtime/parley/cmd/parley/logline"
)

// hostile are values that clients have tried to break logs with.
var hostile = []string{
	"two\nlines\r\nlevel=ERROR msg=forged",
	"\x1b[31mred\x1b[0m \x9b31m \u009b31m",
	"null\x00byte and bell\a",
	`"quotes" and \ and %n%s%d`,
	"bidi \u202e turned, \u200b hidden, \u2028 line, \u2029 paragraph",
	"bad utf-8 \xff\xfe\xc3\x28",
	strings.Repeat("long ", 300_000),
	"token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl in a text",
}

func write(t *testing.T, format string, log func(*slog.Logger)) string {
	t.Helper()
	var out bytes.Buffer
	logger, err := logline.New(&out, format, "debug")
	if err != nil {
		t.Fatal(err)
	}
	log(logger)
	return out.String()
}

// reliability.md check 61, R001.55: whatever is in a value, an event stays one well-formed line. reliability.md check
// 18: no token in it.
func TestLog_HostileValuesStayOneWellFormedLine(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		for _, value := range hostile {
			line := write(t, format, func(l *slog.Logger) {
				l.With("with", value).WithGroup("g").Info(value, "text", value, "error", errors.New(value), "any",
					[]string{value},
					slog.Group("inner", "deep", value))
			})
			if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
				t.Errorf("%s: %q made %d lines", format, short(value), strings.Count(line, "\n"))
			}
			for _, r := range strings.TrimSuffix(line, "\n") {
				if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
					t.Errorf("%s: %q left %U in the line", format, short(value), r)
				}
			}
			if len(line) > 12*logline.MaxValue {
				t.Errorf("%s: %q made a line of %d bytes", format, short(value), len(line))
			}
			if strings.Contains(line, "c2lnbmF0dXJl") {
				t.Errorf("%s: a token is in the line", format)
			}
			if format == "json" && !json.Valid([]byte(line)) {
				t.Errorf("%q made invalid JSON", short(value))
			}
		}
	}
}

func short(s string) string { return s[:min(len(s), 40)] }

// reliability.md check 18: the query of a URL may hold a token.
func TestLog_URLsLoseTheirQuery(t *testing.T) {
	u, err := url.Parse("/api/v2/dashboard/ws?token=secret#frag")
	if err != nil {
		t.Fatal(err)
	}
	line := write(t, "text", func(l *slog.Logger) { l.Info("request", "url", u) })
	if strings.Contains(line, "secret") || !strings.Contains(line, "/api/v2/dashboard/ws") {
		t.Errorf("the line is %s", line)
	}
}

// R001.87: the level is configurable.
func TestLog_LevelsBelowTheConfiguredOneAreSilent(t *testing.T) {
	var out bytes.Buffer
	logger, err := logline.New(&out, "text", "warn")
	if err != nil {
		t.Fatal(err)
	}
	logger.Debug("a")
	logger.Info("b")
	logger.Warn("c")
	logger.Error("d")
	if n := strings.Count(out.String(), "\n"); n != 2 {
		t.Errorf("%d lines, want the warning and the error: %s", n, out.String())
	}
}

func TestLog_UnknownFormatAndLevelAreRefused(t *testing.T) {
	if _, err := logline.New(&bytes.Buffer{}, "xml", "info"); err == nil {
		t.Error("format xml was taken")
	}
	if _, err := logline.New(&bytes.Buffer{}, "json", "loud"); err == nil {
		t.Error("level loud was taken")
	}
}

func FuzzClean(f *testing.F) {
	for _, value := range hostile {
		f.Add(short(value))
	}
	f.Fuzz(func(t *testing.T, value string) {
		got := logline.Clean(value)
		if strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("%q became %q", value, got)
		}
		if logline.Clean(got) != got && !strings.Contains(got, "eyJ") && len(got) <= logline.MaxValue {
			t.Errorf("%q is not clean after cleaning: %q", value, got)
		}
	})
}
