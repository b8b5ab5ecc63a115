//go:build unix

package auth_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-realtime/parley/protocol"
)

// reliability.md check 12: no file that a token names is opened. Opening this one, a pipe that nobody writes to, would
// block for ever.
func TestVerifier_OpensNoFileThatATokenNames(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "key.pem")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	b := one(t, manyKeys())
	for _, header := range []string{
		`{"alg":"HS256","kid":"` + pipe + `"}`, `{"alg":"HS256","kid":"file://` + pipe + `"}`,
		`{"alg":"HS256","kid":"../../../../../../../..` + pipe + `"}`,
		`{"alg":"HS256","jku":"file://` + pipe + `"}`, `{"alg":"HS256","x5u":"` + pipe + `"}`,
		`{"alg":"HS256","jwk":"` + pipe + `"}`,
	} {
		b.refuses(t, protocol.InvalidToken,
			compact(jwt.SigningMethodHS256, []byte(secret), header, live(`"sub":"mallory"`)))
	}
	b.accepts(t, alice())
}
