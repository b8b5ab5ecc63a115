package pusher

import (
	"strconv"
	"strings"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// The codes of errors and closes. A client does not come back after 4000 to 4099, comes back after a second or more
// after 4100 to 4199, and at once after 4200 to 4299; 4300 to 4399 are errors without a close.
const (
	unknownApp          = 4001
	tooManyConnections  = 4004
	unsupportedProtocol = 4007
	noProtocol          = 4008
	unauthorized        = 4009
	overCapacity        = 4100
	reconnect           = 4200
	inactive            = 4201
	clientEventRejected = 4301
)

// closeCodes are the codes of ends by the engine; the others are overCapacity.
var closeCodes = map[protocol.Reason]uint16{
	protocol.Unauthorized: unauthorized, protocol.InvalidToken: unauthorized, protocol.TokenExpired: unauthorized,
	protocol.UnknownUser: unauthorized, protocol.AuthTimeout: unauthorized, protocol.Forbidden: unauthorized,
	protocol.Revoked: unauthorized, protocol.Disconnected: unauthorized, protocol.Suspended: unauthorized,
	protocol.TooMany: tooManyConnections, protocol.Draining: reconnect, protocol.Silent: inactive,
	protocol.Lost: inactive, protocol.Malformed: reconnect,
}

func closeCode(reason protocol.Reason) uint16 {
	if code, ok := closeCodes[reason]; ok {
		return code
	}
	return overCapacity
}

// say is a frame with an event and its data, which are JSON already; channel "" is none.
func say(event, channel string, data []byte) protocol.Command {
	return protocol.Send{Text: appendFrame(nil, rawjson.AppendText(nil, event), channel, data)}
}

// appendFrame appends a frame. event and data are JSON; data nil is left out.
func appendFrame(dst, event []byte, channel string, data []byte) []byte {
	dst = append(append(dst, `{"event":`...), event...)
	if channel != "" {
		dst = rawjson.AppendText(append(dst, `,"channel":`...), channel)
	}
	if data != nil {
		dst = append(append(dst, `,"data":`...), data...)
	}
	return append(dst, '}')
}

// quoted is JSON as a JSON string, as clients expect what a server tells.
func quoted(data []byte) []byte { return rawjson.AppendText(nil, string(data)) }

// failed is an error; channel "" is one of the connection.
func failed(code uint16, channel, message string) protocol.Command {
	data := appendNumber([]byte(`{"code":`), int(code))
	data = append(rawjson.AppendText(append(data, `,"message":`...), message), '}')
	return say("pusher:error", channel, data)
}

// refuse says an error and closes.
func refuse(code uint16, message string) []protocol.Command {
	return []protocol.Command{failed(code, "", message), protocol.Close{Code: code, Reason: clip(message)}}
}

// clip cuts a text to what a close frame holds.
func clip(text string) string { return strings.ToValidUTF8(text[:min(len(text), 120)], "") }

// unsubscribed says that a subscription was refused or has ended.
func unsubscribed(channel, typ, message string, status int) []protocol.Command {
	data := rawjson.AppendText([]byte(`{"type":`), typ)
	data = rawjson.AppendText(append(data, `,"error":`...), message)
	data = append(appendNumber(append(data, `,"status":`...), status), '}')
	return []protocol.Command{say("pusher:subscription_error", channel, data)}
}

func notAuthorized(channel string) []protocol.Command {
	return unsubscribed(channel, "AuthError", "The connection is unauthorized.", 401)
}

func appendNumber(dst []byte, n int) []byte { return strconv.AppendInt(dst, int64(n), 10) }
