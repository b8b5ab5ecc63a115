package centrifugo

import (
	"errors"
	"slices"
	"strconv"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// disconnect closes one connection of a user, or all but those of the whitelist, for good unless a code is named that
// lets clients come back. A user without connections is no error.
func (c *call) disconnect() error {
	user, client := c.text("user"), c.text("client")
	if err := protocol.CheckName("user", user); err != nil && client == "" {
		return err
	}
	code, reason := uint16(3503), "force disconnect"
	if own := rawjson.Find(c.params, "disconnect"); rawjson.IsObject(own) {
		n, err := strconv.ParseUint(string(rawjson.Lookup(own, "code")), 10, 16)
		if err != nil || n < 3000 || n > 4999 {
			return protocol.Refuse(protocol.Malformed, "the code goes from 3000 to 4999")
		}
		code = uint16(n)
		reason, _ = rawjson.Text(rawjson.Lookup(own, "reason"))
	}
	if len(reason) > maxReason {
		return protocol.Refuse(protocol.Malformed, "the reason has more than %d bytes", maxReason)
	}
	err := c.close(user, client, code, reason)
	if errors.Is(err, protocol.Refuse(protocol.NotFound, "")) {
		return nil
	}
	return err
}

// maxReason bounds the reason, which has to fit into a close frame, in bytes.
const maxReason = 123

func (c *call) close(user, client string, code uint16, reason string) error {
	if client != "" {
		return c.Node.Disconnect(c.tenant, client, code, reason)
	}
	stay, _ := c.list("whitelist")
	if len(stay) == 0 {
		_, err := c.Node.DisconnectUser(c.ctx, c.tenant, user, code, reason)
		return err
	}
	found, err := c.Node.User(c.ctx, c.tenant, user)
	for _, conn := range found.Connections {
		id := string(rawjson.AppendText(nil, conn.ID))
		if !slices.ContainsFunc(stay, func(raw []byte) bool { return string(raw) == id }) {
			err = errors.Join(err, c.Node.Disconnect(c.tenant, conn.ID, code, reason))
		}
	}
	return err
}
