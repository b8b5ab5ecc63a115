package process

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/parley-realtime/parley/bench/target"
)

// free returns ports of 127.0.0.1 that are free now.
func free(count int) ([]int, error) {
	var ports []int
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close() // not before all are found, so that they differ
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// serves reports whether address answers path with 200, or, without a path, accepts connections.
func serves(ctx context.Context, address, path string) bool {
	if path == "" {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false
		}
		return errors.Join(conn.Close()) == nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, http.NoBody)
	if err != nil {
		return false
	}
	request.Close = true
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// tail keeps a server's last output, and finds the line with its address. It is safe for concurrent use.
type tail struct {
	ready   *target.Ready
	address chan string

	mu    sync.Mutex
	text  []byte // at most kept bytes
	found bool
}

// kept is how much of a server's output is kept, in bytes.
const kept = 4 << 10

func newTail(ready *target.Ready) *tail { return &tail{ready: ready, address: make(chan string, 1)} }

func (t *tail) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, text...)
	if !t.found {
		t.findAddress()
	}
	if extra := len(t.text) - kept; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(text), nil
}

// look looks for the address in whole lines.
func (t *tail) findAddress() {
	for line := range bytes.Lines(t.text) {
		if address := t.ready.Address(string(line)); address != "" && bytes.HasSuffix(line, []byte("\n")) {
			t.address <- address
			t.found = true
			return
		}
	}
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}
