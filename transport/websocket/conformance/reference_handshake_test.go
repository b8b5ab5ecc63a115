package conformance

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// handshake answers an opening handshake; chosen is nil without compression.
func (r *reference) handshake(in *bufio.Reader, out io.Writer) (chosen offer, ok bool) {
	requestLine, headers, status := r.readHead(in)
	if status == 0 {
		status = r.judge(requestLine, headers)
	}
	if status != 0 {
		r.refuse(out, status)
		return nil, false
	}
	if r.is("lose-early-frames") {
		in.Discard(in.Buffered())
	}
	answer := []string{"Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Accept: " + r.accept(headers["sec-websocket-key"])}
	for rule, line := range map[string]int{"no-upgrade-in-answer": 0, "no-connection-in-answer": 1} {
		if r.is(rule) {
			answer[line] = "X-Nothing: here"
		}
	}
	if r.is("unoffered-subprotocol") {
		answer = append(answer, "Sec-WebSocket-Protocol: soap")
	}
	chosen, bad := r.choose(headers["sec-websocket-extensions"])
	if bad && r.is("refuse-bad-offers") {
		r.refuse(out, 400)
		return nil, false
	}
	if chosen != nil {
		answer = append(answer, "Sec-WebSocket-Extensions: "+r.extensionAnswer(chosen))
	}
	code := "101 Switching Protocols"
	if r.is("accept-with-200") {
		code = "200 OK"
	}
	fmt.Fprintf(out, "HTTP/1.1 %s\r\n%s\r\n\r\n", code, strings.Join(answer, "\r\n"))
	return chosen, true
}

func (r *reference) accept(key string) string {
	value := acceptance(key)
	if r.is("wrong-accept") {
		return strings.ToUpper(value)
	}
	return value
}

func (r *reference) refuse(out io.Writer, status int) {
	if r.is("refuse-in-silence") {
		return
	}
	if r.is("refuse-with-500") {
		status = 500
	}
	more := ""
	if status == 426 && !r.is("forget-version") {
		more = "Sec-WebSocket-Version: 13\r\n"
	}
	fmt.Fprintf(out, "HTTP/1.1 %d Refused\r\n%sContent-Length: 0\r\nConnection: close\r\n\r\n", status, more)
}

// readHead reads a request; status is that of a refusal, or 0.
func (r *reference) readHead(in *bufio.Reader) (requestLine string, headers map[string]string, status int) {
	const limit = 16 << 10
	headers = map[string]string{}
	for size := 0; ; {
		line, err := r.readLine(in, limit)
		size += len(line)
		if size > limit && !r.is("header-flood") {
			return "", nil, 431
		}
		if err != nil {
			return "", nil, 408
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return requestLine, headers, 0
		}
		if requestLine == "" {
			requestLine = line
		} else if !r.header(headers, line) {
			return "", nil, 400
		}
	}
}

func (r *reference) readLine(in *bufio.Reader, limit int) (string, error) {
	var line strings.Builder
	for {
		b, err := in.ReadByte()
		if err != nil {
			return line.String(), err
		}
		if line.Len() <= limit {
			line.WriteByte(b)
		} else if !r.is("header-flood") {
			return line.String(), nil
		}
		if b == '\n' {
			return line.String(), nil
		}
	}
}

// header takes a header line, unless it is broken.
func (r *reference) header(headers map[string]string, line string) bool {
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		return r.is("accept-colonless-lines")
	}
	if name != strings.TrimSpace(name) || strings.ContainsRune(value, 0) && !r.is("accept-nul") {
		return false
	}
	if !r.is("case-sensitive-names") {
		name = strings.ToLower(name)
	}
	if value = strings.Trim(value, " \t"); r.is("padded-values") {
		value = line[len(name)+2:]
	}
	if before, again := headers[name]; again && !(r.is("first-connection-line") && name == "connection") &&
		!(r.is("first-extension-line") && name == "sec-websocket-extensions") {
		headers[name] = before + "," + value
	} else if !again {
		headers[name] = value
	}
	return true
}

// judge is the status of a refusal, or 0.
func (r *reference) judge(requestLine string, headers map[string]string) int {
	parts := strings.Split(requestLine, " ")
	if len(parts) != 3 || parts[2] == "" {
		return 400
	}
	fold := func(s string) string {
		if r.is("case-sensitive-values") {
			return s
		}
		return strings.ToLower(s)
	}
	key, err := base64.StdEncoding.DecodeString(headers["sec-websocket-key"])
	_, host := headers["host"]
	wrong := []struct {
		wrong  bool
		status int
		rule   string
	}{
		{parts[0] != "GET", 405, "accept-any-method"},
		{parts[2] != "HTTP/1.1", 505, "accept-http10"},
		{!host, 400, "accept-no-host"},
		{!slices.Contains(strings.Split(strings.ReplaceAll(fold(headers["connection"]), " ", ""), ","),
			fold("upgrade")),
			400, "accept-any-connection"},
		{fold(headers["upgrade"]) != "websocket", 400, "accept-any-upgrade"},
		{headers["sec-websocket-version"] != "13", 426, "accept-any-version"},
		{err != nil || len(key) != 16, 400, "accept-any-key"},
	}
	for _, w := range wrong {
		if w.wrong && !r.is(w.rule) {
			return w.status
		}
	}
	return 0
}

// choose takes the first good offer; bad reports that there was a bad one.
func (r *reference) choose(value string) (chosen offer, bad bool) {
	if value == "" && r.is("unasked-extension") {
		return offering(), false
	}
	for one := range strings.SplitSeq(value, ",") {
		parts := strings.Split(one, ";")
		name := strings.TrimSpace(parts[0])
		if name != "permessage-deflate" && !(r.is("substring-offer") && strings.Contains(name, "permessage-deflate")) {
			if r.is("accept-any-extension") && name != "" {
				return offering(), false
			}
			continue
		}
		if chosen := r.consider(parts[1:]); chosen != nil {
			return chosen, bad
		}
		bad = true
	}
	return nil, bad
}

// consider is the answer to one offer, nil if it is bad.
func (r *reference) consider(parts []string) offer {
	asked, chosen := offering(), offering()
	for _, part := range parts {
		name, value, valued := strings.Cut(strings.TrimSpace(part), "=")
		bits, err := strconv.Atoi(value)
		window := err == nil && strconv.Itoa(bits) == value && bits >= 8 && bits <= 15
		ok := false
		switch name {
		case serverNoTakeover, clientNoTakeover:
			ok = !valued
		case serverBits:
			ok = window && !r.is("decline-windows")
		case clientBits:
			ok = window || !valued
		}
		if !(ok && !asked.has(name)) && !r.is("accept-bad-offer") {
			return nil
		}
		asked = append(asked, parameter{name, value})
		if name != clientBits && !(name == serverBits && r.is("leave-out-window")) &&
			!(name == serverNoTakeover && r.is("leave-out-takeover")) {
			chosen = append(chosen, parameter{name, value})
		}
	}
	if r.is("unoffered-client-bits") {
		chosen = append(chosen, parameter{clientBits, "12"})
	}
	return chosen
}

func (r *reference) extensionAnswer(chosen offer) string {
	switch {
	case r.is("repeat-parameter") && len(chosen) > 0:
		return append(chosen, chosen[0]).String()
	case r.is("unknown-parameter"):
		return chosen.String() + "; memory_level=9"
	case r.is("valued-parameter"):
		return strings.ReplaceAll(chosen.String(), serverNoTakeover, serverNoTakeover+"=1")
	case r.is("window-of-16"):
		return chosen.String() + "; " + serverBits + "=16"
	}
	return chosen.String()
}
