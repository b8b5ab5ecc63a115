package websocket

import (
	"strings"
	"testing"

	"github.com/parley-realtime/parley/protocol/echo"
)

func TestConfig_MistakesAreNamed(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{{Config{Origins: []string{"app.example"}}, `"app.example"`},
		{Config{Origins: []string{"https://a/b"}}, `"https://a/b"`},
		{Config{TrustedProxies: []string{"10.0.0.0/33"}}, `"10.0.0.0/33"`}} {
		if _, err := New(c.config, nil, nil, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.config, err)
		}
	}
	s := newServer(t, nil)
	_, err := s.Handler(echo.Dialect{}, echo.Dialect{})
	if err == nil || !strings.Contains(err.Error(), "/debug/echo") {
		t.Errorf("two dialects on one path: %v", err)
	}
	if _, err := s.Handler(cookie{}, cookie{}); err == nil || !strings.Contains(err.Error(), "/cookie/{id}") {
		t.Errorf("two dialects on one pattern: %v", err)
	}
	if h, err := s.Handler(cookie{}); err != nil || !h.Serves("/cookie/x") || h.Serves("/cookie") {
		t.Errorf("Serves is wrong (%v)", err)
	}
}
