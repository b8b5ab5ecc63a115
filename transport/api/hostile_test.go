package api

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// answerQuickly makes a request, whose answer may take no more than prompt of processor time. Other work of the machine
// does not count.
func answerQuickly(t *testing.T, name, path, body string) (*testAPI, response) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	h := newTestAPI(t, Config{})
	started := threadTime()
	a := h.call("POST", path, body)
	if took := threadTime() - started; took >= prompt {
		t.Errorf("%s: %s took %s of processor time", path, name, took)
	}
	return h, a
}

// threadTime is the processor time of this thread, in the kernel and outside.
func threadTime() time.Duration {
	var usage syscall.Rusage
	const thisThread = 1 // RUSAGE_THREAD
	if err := syscall.Getrusage(thisThread, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// hostile are bodies that an attacker would send.
func hostile() map[string]string {
	wrap := func(data string) string { return `{"all":true,"event":{"kind":"json","data":` + data + `}}` }
	nested := func(open, inner, closing string, n int) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(closing, n)
	}
	return map[string]string{
		"1 MiB of spaces":      strings.Repeat(" ", 1<<20),
		"1 MiB of text":        wrap(`{"x":"` + strings.Repeat("x", 1<<20) + `"}`),
		"1 MiB of members":     wrap(`{` + strings.TrimSuffix(strings.Repeat(`"a":1,`, 1<<17), ",") + `}`),
		"1 MiB of brackets":    strings.Repeat("[", 1<<20),
		"1 MiB of braces":      strings.Repeat(`{"a":`, 1<<18),
		"100 KiB of brackets":  strings.Repeat("[", 100<<10),
		"100 KiB of members":   `{` + strings.Repeat(`"a":1,`, 100<<10/6) + `"b":1}`,
		"100 deep":             wrap(nested(`{"a":`, `1`, `}`, 100)),
		"100 deep array":       wrap(`{"a":` + nested(`[`, ``, `]`, 100) + `}`),
		"duplicate member":     `{"all":true,"all":true,"event":{"kind":"json","data":{}}}`,
		"duplicate in data":    wrap(`{"a":{"b":1,"b":2}}`),
		"duplicate by escape":  wrap(`{"a":1,"\u0061":2}`),
		"trailing garbage":     wrap(`{}`) + `x`,
		"trailing object":      wrap(`{}`) + wrap(`{}`),
		"trailing NUL":         wrap(`{}`) + "\x00",
		"NaN":                  wrap(`{"x":NaN}`),
		"Infinity":             wrap(`{"x":-Infinity}`),
		"lone surrogate":       wrap(`{"x":"\ud800"}`),
		"lone low surrogate":   wrap(`{"x":"\udc00\ud800"}`),
		"surrogate as member":  wrap(`{"\ud800":1}`),
		"invalid UTF-8":        wrap(`{"x":"` + "\xc3\x28" + `"}`),
		"overlong UTF-8":       wrap(`{"x":"` + "\xc0\xaf" + `"}`),
		"UTF-8 surrogate":      wrap(`{"x":"` + "\xed\xa0\x80" + `"}`),
		"byte order mark":      "\xef\xbb\xbf" + wrap(`{}`),
		"control in string":    wrap(`{"x":"` + "\n" + `"}`),
		"comment":              wrap(`{/*x*/}`),
		"trailing comma":       wrap(`{"x":1,}`),
		"leading zero":         wrap(`{"x":01}`),
		"single quotes":        wrap(`{'x':1}`),
		"gzip":                 "\x1f\x8b\x08\x00\x00\x00\x00\x00",
		"form":                 "topic=a&event=b",
		"cut":                  wrap(`{"x":"`)[:50],
		"unterminated string":  `{"topic":"`,
		"escape at the end":    `{"topic":"\`,
		"many unknown members": `{"` + strings.Repeat(`\u0000`, 8000) + `":1}`,
		"64 KiB duplicate name": `{"` + strings.Repeat("é\\u0007", 7000) + `":1,"` +
			strings.Repeat("é\\u0007", 7000) + `":1}`,
		"10,000 users": `{"users":[` + strings.TrimSuffix(strings.Repeat(`"u",`, 10_000), ",") +
			`],"event":{"kind":"json","data":{}}}`,
		"10,000 bad users": `{"users":[` + strings.TrimSuffix(strings.Repeat(`{},`, 1000), ",") +
			`],"event":{"kind":"json","data":{}}}`,
		"quadratic escapes": `{"topic":"` + strings.Repeat(`\\`, 30<<10) + `","event":{"kind":"json","data":{}}}`,
		"huge number": `{"all":true,"event":{"kind":"json","data":{},"time":` + strings.Repeat("9", 60<<10) +
			`}}`,
	}
}

// reliability.md check 19: 1 MiB, 100 deep, duplicate keys, trailing garbage, NaN, lone surrogates: an error within 50
// ms. reliability.md check 35: the API refuses what would close a subscriber's socket.
func TestHostileBodies_AreRefusedQuicklyAndInShortWords(t *testing.T) {
	for _, path := range []string{publishPath, "/api/v1/revoke", "/api/v1/users/42/disconnect", "/api/v1/batch"} {
		for name, body := range hostile() {
			h, a := answerQuickly(t, name, path, body)
			if a.status == 413 {
				a.refuses(protocol.TooLarge, "limit")
			} else {
				a.refuses(protocol.Malformed)
			}
			if len(a.body) > 600 || strings.ContainsFunc(a.body, func(r rune) bool { return r < ' ' }) {
				t.Errorf("%s: %s is answered with %d bytes: %.300q", path, name, len(a.body), a.body)
			}
			if len(h.node.published) > 0 {
				t.Errorf("%s was published", name)
			}
		}
	}
}

// The same as items of a batch: those that are valid JSON are refused one by one, the rest with the whole.
func TestHostileBodies_InABatchPublishNothing(t *testing.T) {
	for name, body := range hostile() {
		h, a := answerQuickly(t, name, "/api/v1/batch", `{"publish":[`+body+`]}`)
		if a.status == 500 || len(h.node.published) > 0 ||
			a.status == 200 && !strings.Contains(a.body, `"error"`) && name != "1 MiB of spaces" {
			t.Errorf("%s: %d %.300s", name, a.status, a.body)
		}
	}
}

func TestDepth_BracketsInStringsDoNotCount(t *testing.T) {
	h := newTestAPI(t, Config{})
	inString := `{"all":true,"event":{"kind":"json","data":{"a":"` + strings.Repeat(`[{\"`, 100) + `"}}}`
	h.call("POST", publishPath, inString).is(200, `{"delivered":0,"id":"made-1"}`)
	deep := func(n int) string { // the body and the event nest, too
		return `{"all":true,"event":{"kind":"json","data":` + strings.Repeat(`{"a":`, n) + "1" +
			strings.Repeat("}", n+2)
	}
	h.call("POST", publishPath, deep(rawjson.MaxDepth-2)).is(200, `{"delivered":0,"id":"made-2"}`)
	h.call("POST", publishPath, deep(rawjson.MaxDepth-1)).refuses(protocol.Malformed, fmt.Sprint(rawjson.MaxDepth))
}
