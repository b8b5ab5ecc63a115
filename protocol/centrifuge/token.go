package centrifuge

import (
	"encoding/base64"
	"strings"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// accepted says which tokens open a connection or a channel.
var accepted = protocol.Claims{Refuse: []string{"refresh"}}

// claims are those claims of a token that are this protocol's own. They are worth nothing before the engine has said
// that the token holds.
type claims struct {
	channel  string   // of a subscription token
	channels []string // of a connection token: subscriptions that come with it
	info     []byte   // what others are told of the client; nil for nothing
}

// readClaims reads a token's payload. A token without one that can be read has no such claims.
func readClaims(token string) (c claims) {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return c
	}
	members, err := rawjson.ReadObject(text)
	if err != nil {
		return c
	}
	c.channel, _ = rawjson.Text(rawjson.Find(members, "channel"))
	elements, _ := rawjson.ReadArray(rawjson.Find(members, "channels"))
	for _, raw := range elements[:min(len(elements), maxChannels)] {
		name, _ := rawjson.Text(raw)
		c.channels = append(c.channels, name)
	}
	if info := rawjson.Find(members, "info"); len(info) <= maxInfo && string(info) != "null" {
		c.info = info
	}
	return c
}

// maxInfo bounds the info of a token, in bytes. That of a connection and that of a channel make a member's together.
const maxInfo = 1 << 10

// member is what others are told of a client in a channel.
func member(client, user string, connInfo, chanInfo []byte) *protocol.Member {
	info := rawjson.AppendText([]byte(`{"user":`), user)
	info = rawjson.AppendText(append(info, `,"client":`...), client)
	for _, part := range [...]struct {
		name string
		info []byte
	}{{"conn_info", connInfo}, {"chan_info", chanInfo}} {
		if part.info != nil {
			info = append(append(append(append(info, `,"`...), part.name...), `":`...), part.info...)
		}
	}
	return &protocol.Member{ID: client, Info: append(info, '}')}
}
