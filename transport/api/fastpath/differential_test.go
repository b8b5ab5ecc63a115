package fastpath

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// A client gets the answer of net/http alone, whatever it sends, and what is for the fast path is served there.
func TestFastPath_AnswersAsNetHTTPDoes(t *testing.T) {
	for name, c := range requests {
		t.Run(name, func(t *testing.T) {
			if slow := sameAsNetHTTP(t, c.text); c.fast && slow > 0 {
				t.Errorf("net/http served %d requests", slow)
			}
			buffer := c.text[:min(len(c.text), 4096)] // as much as net/http's buffer holds
			if h, ok := parseHead([]byte(buffer), routes()); ok != c.fast {
				t.Errorf("%v %+v", ok, h)
			}
		})
	}
}

// Two or three requests on one connection, among them those by which one would smuggle another.
func TestFastPath_AnswersPipelinesAsNetHTTPDoes(t *testing.T) {
	for name, c := range requests {
		if len(c.text) > 8<<10 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			for _, text := range []string{usual + c.text, c.text + usual, usual + c.text + usual} {
				sameAsNetHTTP(t, text)
			}
		})
	}
}

// A request may come in any two pieces, behind another one or not.
func TestFastPath_SplitAtEveryByteAnswersAsNetHTTPDoes(t *testing.T) {
	for _, name := range []string{"post", "both keys", "ignored", "partly read", "chunks", "chunks and length",
		"two lengths",
		"expect to continue", "HTTP/1.0", "close", "folded", "line before"} {
		text := requests[name].text
		t.Run(name, func(t *testing.T) {
			for cut := 1; cut < len(text); cut++ {
				sameAsNetHTTP(t, text[:cut], text[cut:])
				sameAsNetHTTP(t, usual+text[:cut], text[cut:])
			}
		})
	}
}

// FuzzDifferential: the same bytes get the same answers from a server with a fast path and from net/http alone, and
// leave the connection in the same state. Two cuts say where the bytes are split into pieces.
func FuzzDifferential(f *testing.F) {
	for _, c := range requests {
		if len(c.text) < 2000 {
			f.Add([]byte(c.text), uint16(0), uint16(0))
			f.Add([]byte(usual+c.text), uint16(len(usual)-2), uint16(9))
			f.Add([]byte(c.text+usual), uint16(40), uint16(200))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, first, second uint16) {
		if len(text) > 8<<10 {
			return
		}
		cuts := []int{int(first) % (len(text) + 1), int(second) % (len(text) + 1)}
		slices.Sort(cuts)
		sameAsNetHTTP(t, string(text[:cuts[0]]), string(text[cuts[0]:cuts[1]]), string(text[cuts[1]:]))
	})
}

// sameAsNetHTTP fails the test unless pieces get the same from a server with a fast path and from net/http alone. It
// returns how many requests net/http served of the former's.
func sameAsNetHTTP(t *testing.T, pieces ...string) (slow int32) {
	t.Helper()
	pieces = slices.DeleteFunc(pieces, func(piece string) bool { return piece == "" })
	var open, halfClosed [2]transcript
	synctest.Test(t, func(*testing.T) {
		open[0], halfClosed[0], _ = play(false, pieces...)
	})
	synctest.Test(t, func(*testing.T) {
		open[1], halfClosed[1], slow = play(true, pieces...)
	})
	differ := func(when string, want, got transcript) bool {
		if want.closed == got.closed && slices.Equal(want.responses, got.responses) {
			return false
		}
		t.Errorf("%.2000q, %s: closed %v, got\n%s\nwant closed %v\n%s", pieces, when, got.closed,
			strings.Join(got.responses, "\n"), want.closed, strings.Join(want.responses, "\n"))
		return true
	}
	// net/http closes the connection of a handler that panicked when it has read the body to its end, the fast path at
	// once.
	aborted := strings.Contains(strings.Join(pieces, ""), abortPath)
	if open[0].closed || open[1].closed && !aborted {
		differ("while open", open[0], open[1])
		return slow
	}
	// A handler may answer before the body has come. The fast path sends that response at once; net/http holds it back,
	// and then knows that the client went away.
	if n := len(open[1].responses); n == len(open[0].responses)+1 && n == len(halfClosed[0].responses) {
		last := &halfClosed[0].responses[n-1]
		*last = strings.Replace(*last, "Connection[close] ", "", 1)
	}
	differ("when half closed", halfClosed[0], halfClosed[1])
	return slow
}

// usual is a request that the fast path takes.
var usual = post(echoPath, "usual", "X-API-Key: k0")

// requests are requests, and whether the fast path takes them.
var requests = map[string]struct {
	text string
	fast bool
}{
	"post":        {post(echoPath, "hello", "X-API-Key: k1"), true},
	"bearer":      {post(echoPath, "hello", "Authorization: Bearer k1", "Connection: Keep-Alive", "Accept: */*"), true},
	"both keys":   {post(echoPath, "hello", "authorization: bearer k1", "x-api-key:\t k2 "), true},
	"no key":      {post(echoPath, "hello"), true},
	"no body":     {post(echoPath, "", "X-API-Key: k1"), true},
	"large":       {post(echoPath, strings.Repeat("x", 100<<10), "X-API-KEY: k1"), true},
	"largest":     {post(echoPath, strings.Repeat("x", maxBody)), true},
	"ignored":     {post(ignorePath, "hello"), true},
	"ignored 200": {post(ignorePath, strings.Repeat("x", 200<<10)), true},
	"ignored max": {post(ignorePath, strings.Repeat("x", maxBody)), true},
	"partly read": {post(partPath, "hello, hello"), true},
	"too short":   {post(partPath, "hello"), true},
	"aborted":     {post(abortPath, "hello"), true},
	"cut, part":   {strings.TrimSuffix(post(partPath, "hello, hello"), "o"), true},
	"cut at once": {strings.TrimSuffix(post(partPath, "hello"), "o"), true},
	"cut":         {strings.TrimSuffix(post(echoPath, "hello"), "o"), true},
	"cut, unread": {strings.TrimSuffix(post(ignorePath, "hello"), "o"), true},
	"odd header":  {post(echoPath, "hello", "X-API-Key: k1", "A-_.1~: \xe4 b\t!"), true},
	"close":       {post(echoPath, "hello", "X-API-Key: k1", "Connection: close"), true},
	"Close":       {post(echoPath, "hello", "connection: Close", "Connection: keep-alive"), true},
	"close after": {post(echoPath, "hello", "Connection: keep-alive", "Connection: close"), true},
	"close, left": {post(ignorePath, strings.Repeat("x", 200<<10), "Connection: close"), true},
	"close, part": {post(partPath, "hello, hello", "Connection: close"), true},
	"close, cut":  {strings.TrimSuffix(post(echoPath, "hello", "Connection: close"), "o"), true},
	"close, end":  {post(abortPath, "hello", "Connection: close"), true},
	"close, more": {post(echoPath, "hello", "Connection: close") + "more", true},
	"close, none": {post(echoPath, "", "Connection: close"), true},
	"zeros":       {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 000005\r\n\r\nhello", true},

	"larger":              {post(echoPath, strings.Repeat(" ", maxBody+1), "X-API-Key: k1"), false},
	"larger, unread":      {post(ignorePath, strings.Repeat(" ", maxBody+1), "X-API-Key: k1"), false},
	"two keys":            {post(echoPath, "hello", "X-API-Key: k1", "X-API-Key: k1"), false},
	"two authorizations":  {post(echoPath, "hello", "Authorization: a", "authorization: b"), false},
	"empty key":           {post(echoPath, "hello", "X-API-Key: "), false},
	"close, among others": {post(echoPath, "hello", "Connection: keep-alive, close"), false},
	"hop by hop":          {post(echoPath, "hello", "Connection: content-length"), false},
	"upgrade": {post(echoPath, "hello", "X-API-Key: k1", "Connection: Upgrade", "Upgrade: websocket"),
		false},
	"upgrade to HTTP/2": {post(echoPath, "hello", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
		"HTTP2-Settings: x"), false},
	"HTTP/2":             {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", false},
	"expect":             {post(echoPath, "hello", "X-API-Key: k1", "Expect: 100-something"), false},
	"expect to continue": {post(echoPath, "hello", "Expect: 100-continue"), false},
	"expect, unread":     {post(ignorePath, "hello", "Expect: 100-continue"), false},
	"trailer":            {post(echoPath, "hello", "Trailer: X"), false},
	"TE":                 {post(echoPath, "hello", "TE: trailers"), false},
	"chunks":             {chunked("Transfer-Encoding: chunked") + "5\r\nhello\r\n0\r\n\r\n", false},
	"chunk extensions": {chunked("Transfer-Encoding: chunked") + "5;a=\"b\r\n\";c\r\nhello\r\n0;d\r\nT: x\r\n\r\n",
		false},
	"chunks with newline": {chunked("Transfer-Encoding: chunked") + "5\nhello\n0\n\n", false},
	"chunk too long":      {chunked("Transfer-Encoding: chunked") + "fffffffffffffffff\r\nhello", false},
	"chunks and length":   {post(echoPath, "5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), false},
	"length and chunks": {chunked("Transfer-Encoding: chunked", "Content-Length: 4") + "5\r\nhello\r\n0\r\n\r\n",
		false},
	"smuggled, CL.TE": {chunked("Content-Length: 6", "Transfer-Encoding: chunked") + "0\r\n\r\nG", false},
	"smuggled, TE.CL": {chunked("Content-Length: 3", "Transfer-Encoding: chunked") + "8\r\nSMUGGLED\r\n0\r\n\r\n",
		false},
	"smuggled, TE.TE": {chunked("Content-Length: 5", "Transfer-Encoding: chunked", "Transfer-Encoding: x") +
		"0\r\n\r\n", false},
	"coding in disguise":  {chunked("Content-Length: 5", "Transfer-Encoding: xchunked") + "0\r\n\r\n", false},
	"coding with a tab":   {chunked("Content-Length: 5", "Transfer-Encoding:\tchunked") + "0\r\n\r\n", false},
	"coding, spaced":      {chunked("Content-Length: 5", "Transfer-Encoding : chunked") + "0\r\n\r\n", false},
	"coding, folded":      {chunked("Content-Length: 5", "Transfer-Encoding:", " chunked") + "0\r\n\r\n", false},
	"coding, hidden":      {chunked("Content-Length: 5", "X: x\nTransfer-Encoding: chunked") + "0\r\n\r\n", false},
	"other coding":        {post(echoPath, "hello", "X-API-Key: k1", "Transfer-Encoding: identity"), false},
	"two lengths":         {post(echoPath, "hello", "X-API-Key: k1", "Content-Length: 4"), false},
	"length twice":        {post(echoPath, "hello", "X-API-Key: k1", "Content-Length: 5"), false},
	"lengths in one":      {chunked("Content-Length: 5, 5") + "hello", false},
	"odd length":          {chunked("Content-Length: +5") + "hello", false},
	"negative length":     {chunked("Content-Length: -5") + "hello", false},
	"hex length":          {chunked("Content-Length: 0x5") + "hello", false},
	"length with a space": {chunked("Content-Length: 5 5") + "hello", false},
	"empty length":        {chunked("Content-Length: ") + "hello", false},
	"long length":         {chunked("Content-Length: 0000005") + "hello", false},
	"huge length":         {chunked("Content-Length: 18446744073709551621") + "hello", false},
	"no length":           {chunked(), false},
	"no length, a body":   {chunked() + "hello", false},
	"no host":             {"POST /echo HTTP/1.1\r\nX-API-Key: k1\r\nContent-Length: 5\r\n\r\nhello", false},
	"empty host":          {"POST /echo HTTP/1.1\r\nHost: \r\nContent-Length: 5\r\n\r\nhello", false},
	"two hosts":           {post(echoPath, "hello", "X-API-Key: k1", "Host: y"), false},
	"odd host":            {strings.Replace(post(echoPath, "hello"), "parley.example", "a b", 1), false},
	"folded":              {post(echoPath, "hello", "X-API-Key: k1", "A: b", " c"), false},
	"folded at once":      {"POST /echo HTTP/1.1\r\n Host: x\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", false},
	"bare newline":        {post(echoPath, "hello", "X-API-Key: k1", "A: b\nTransfer-Encoding: chunked"), false},
	"bare return":         {post(echoPath, "hello", "X-API-Key: k1", "A: b\rTransfer-Encoding: chunked"), false},
	"newlines alone":      {strings.ReplaceAll(post(echoPath, "hello"), "\r\n", "\n"), false},
	"NUL":                 {post(echoPath, "hello", "X-API-Key: k1", "A: \x00"), false},
	"NUL in a name":       {post(echoPath, "hello", "A\x00: b"), false},
	"NUL before":          {"\x00" + post(echoPath, "hello"), false},
	"DEL":                 {post(echoPath, "hello", "A: \x7f"), false},
	"space before colon":  {post(echoPath, "hello", "X-API-Key: k1", "Content-Length : 5"), false},
	"no colon":            {post(echoPath, "hello", "X-API-Key: k1", "A"), false},
	"no name":             {post(echoPath, "hello", "X-API-Key: k1", ": b"), false},
	"empty value":         {post(echoPath, "hello", "A:"), false},
	"HTTP/1.0": {strings.Replace(post(echoPath, "hello", "X-API-Key: k1"), "HTTP/1.1", "HTTP/1.0", 1),
		false},
	"HTTP/1.2": {strings.Replace(post(echoPath, "hello", "X-API-Key: k1"), "HTTP/1.1", "HTTP/1.2", 1),
		false},
	"HTTP/0.9":            {"GET /echo\r\n\r\n", false},
	"two spaces":          {strings.Replace(post(echoPath, "hello", "X-API-Key: k1"), "POST ", "POST  ", 1), false},
	"trailing space":      {strings.Replace(post(echoPath, "hello"), "HTTP/1.1", "HTTP/1.1 ", 1), false},
	"tab":                 {strings.Replace(post(echoPath, "hello"), "POST ", "POST\t", 1), false},
	"lower case":          {strings.Replace(post(echoPath, "hello", "X-API-Key: k1"), "POST ", "post ", 1), false},
	"query":               {post(echoPath+"?key=k1", "hello"), false},
	"fragment":            {post(echoPath+"#a", "hello"), false},
	"absolute":            {post("http://parley.example"+echoPath, "hello", "X-API-Key: k1"), false},
	"absolute, elsewhere": {post("http://other.example"+echoPath, "hello"), false},
	"escaped":             {post("/ech%6f", "hello", "X-API-Key: k1"), false},
	"dots":                {post("/x/../echo", "hello"), false},
	"two slashes":         {post("//echo", "hello"), false},
	"asterisk":            {post("*", "hello"), false},
	"other path":          {post("/elsewhere", "hello", "X-API-Key: k1"), false},
	"other method":        {"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", false},
	"HEAD":                {"HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\n", false},
	"PUT":                 {strings.Replace(post(echoPath, "hello"), "POST", "PUT", 1), false},
	"GET with a body":     {strings.Replace(post(echoPath, usual), "POST", "GET", 1), false},
	"CONNECT":             {"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", false},
	"line before":         {"\r\n" + post(echoPath, "hello", "X-API-Key: k1"), false},
	"lines before":        {"\r\n\r\n\r\n" + post(echoPath, "hello"), false},
	"newline before":      {"\n" + post(echoPath, "hello"), false},
	"return before":       {"\r" + post(echoPath, "hello"), false},
	"nonsense":            {"\x16\x03\x01\x02\x00\r\n\r\n", false},
	"cut head":            {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n", false},
	"many headers":        {post(echoPath, "hello", "X-API-Key: k1", "A: "+strings.Repeat("b", 5000)), false},
	"huge head":           {post(echoPath, "hello", "A: "+strings.Repeat("b", 2<<20)), false},
	"huge path":           {post(echoPath+strings.Repeat("b", 2<<20), "hello"), false},
	"huge name":           {post(echoPath, "hello", strings.Repeat("b", 3000)+": c"), true},
	"a thousand headers":  {post(echoPath, "hello", slices.Repeat([]string{"A: b"}, 1000)...), false},
	"as many as fit":      {post(echoPath, "hello", slices.Repeat([]string{"A: b"}, 600)...), true},
}

// chunked is the head of a request without a length of its own.
func chunked(headers ...string) string {
	lines := append([]string{fmt.Sprintf("POST %s HTTP/1.1", echoPath), "Host: x", "X-API-Key: k1"}, headers...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}
