package websocket

import (
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// handshakeError is why a request cannot become a WebSocket (RFC 6455 section 4.2.1).
type handshakeError struct {
	status  int
	message string
}

// checkHandshake returns the request's key, or what is wrong with it.
func checkHandshake(r *http.Request) (key string, bad *handshakeError) {
	switch {
	case r.ProtoMajor != 1 || r.ProtoMinor < 1:
		return "", &handshakeError{http.StatusHTTPVersionNotSupported, "a WebSocket needs HTTP/1.1"}
	case r.Method != http.MethodGet:
		return "", &handshakeError{http.StatusMethodNotAllowed, "a WebSocket handshake is a GET"}
	case !hasToken(r.Header, "Upgrade", "websocket"):
		return "", &handshakeError{http.StatusUpgradeRequired,
			"this address speaks WebSocket; the request has no Upgrade: websocket"}
	case !hasToken(r.Header, "Connection", "upgrade"):
		return "", &handshakeError{http.StatusBadRequest, "the request has no Connection: Upgrade"}
	case !slices.Equal(r.Header["Sec-Websocket-Version"], []string{"13"}):
		return "", &handshakeError{http.StatusUpgradeRequired, "Sec-WebSocket-Version must be 13"}
	case r.ContentLength != 0 || len(r.TransferEncoding) > 0:
		return "", &handshakeError{http.StatusBadRequest, "a WebSocket handshake has no body"}
	}
	keys := r.Header["Sec-Websocket-Key"]
	if len(keys) != 1 || !isKey(keys[0]) {
		return "", &handshakeError{http.StatusBadRequest, "Sec-WebSocket-Key must be 16 bytes in base64, once"}
	}
	return keys[0], nil
}

func isKey(key string) bool {
	if len(key) != 24 {
		return false
	}
	raw, err := base64.StdEncoding.DecodeString(key)
	return err == nil && len(raw) == 16
}

// hasToken reports whether the comma-separated lines of a header have a token, in upper or lower case.
func hasToken(h http.Header, name, token string) bool {
	for _, line := range h[name] {
		for item := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.Trim(item, " \t"), token) {
				return true
			}
		}
	}
	return false
}

// handshakeResponse is the server's side of the opening handshake. "" is for no extension, and no subprotocol.
func handshakeResponse(key, extensions, subprotocol string) []byte {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	b := make([]byte, 0, 320)
	b = append(b, "HTTP/1.1 101 Switching Protocols\r\n"+
		"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	b = base64.StdEncoding.AppendEncode(b, sum[:])
	if extensions != "" {
		b = append(b, "\r\nSec-WebSocket-Extensions: "...)
		b = append(b, extensions...)
	}
	if subprotocol != "" {
		b = append(b, "\r\nSec-WebSocket-Protocol: "...)
		b = append(b, subprotocol...)
	}
	return append(b, "\r\n\r\n"...)
}
