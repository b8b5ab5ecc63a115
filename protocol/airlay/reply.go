package airlay

import (
	"strconv"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// code is what a reply says of a request.
type code int

// The codes of the document.
const (
	done code = iota
	noToken
	badToken
	noUser
	noAccess
	badRequest
)

// messages are the document's words for its codes.
var messages = [...]string{"Ok", "Token not set", "Invalid token", "User not exists", "Not access for dataset",
	"Invalid request"}

// replies are the replies in the document's words, by code.
var replies = func() (all [len(messages)]protocol.Send) {
	for c, message := range messages {
		all[c] = say(code(c), message)
	}
	return
}()

func say(c code, message string) protocol.Send {
	status := 400
	if c == done {
		status = 200
	}
	text := strconv.AppendInt([]byte(`{"status":`), int64(status), 10)
	text = append(text, `,"message":`...)
	text = rawjson.AppendText(text, message)
	text = append(text, `,"code":`...)
	return protocol.Send{Text: append(strconv.AppendInt(text, int64(c), 10), '}')}
}

// reply is the only command of a request that is over.
func reply(c code) []protocol.Command { return []protocol.Command{replies[c]} }

// refuse puts a refusal by the engine into the codes of the document.
func refuse(refusal *protocol.Refusal) protocol.Send {
	switch refusal.Reason {
	case protocol.Unauthorized:
		return replies[noToken]
	case protocol.InvalidToken, protocol.TokenExpired, protocol.Revoked:
		return replies[badToken]
	case protocol.UnknownUser:
		return replies[noUser]
	case protocol.Forbidden, protocol.NotFound:
		return replies[noAccess]
	case protocol.Malformed:
		return replies[badRequest]
	}
	return say(badRequest, refusal.Error())
}
