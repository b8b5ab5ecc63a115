package main

import (
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"
	"unicode"
)

// raw sends bytes as they are and reads what comes back until the server closes.
func raw(t *testing.T, r *running, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(conn)
	return string(answer)
}

// checkLines wants each line of a log to be one JSON object without control characters and without the token.
func checkLines(t *testing.T, lines []string, token string) {
	t.Helper()
	if len(lines) < 5 {
		t.Errorf("the log has only %d lines; at level debug more was to be said", len(lines))
	}
	signature := token[strings.LastIndexByte(token, '.')+1:]
	for _, line := range lines {
		var read map[string]any
		if err := json.Unmarshal([]byte(line), &read); err != nil || read["msg"] == "" || read["level"] == nil {
			t.Errorf("no well-formed line: %q", line)
		}
		if strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("a control character in %q", line)
		}
		if strings.Contains(line, signature) {
			t.Errorf("the token is in %q", line)
		}
	}
}
