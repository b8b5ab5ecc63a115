package centrifuge

import (
	"strconv"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// code is the number of an error in a reply.
type code int

// The codes of Centrifugo.
const (
	internal          code = 100
	unauthorized      code = 101
	unknownChannel    code = 102
	permissionDenied  code = 103
	methodNotFound    code = 104
	alreadySubscribed code = 105
	limitExceeded     code = 106
	badRequest        code = 107
	notAvailable      code = 108
	tokenExpired      code = 109
	tooManyRequests   code = 111
	unrecoverable     code = 112
)

var messages = map[code]string{
	internal: "internal server error", unauthorized: "unauthorized", unknownChannel: "unknown channel",
	permissionDenied: "permission denied", methodNotFound: "method not found",
	alreadySubscribed: "already subscribed", limitExceeded: "limit exceeded",
	badRequest: "bad request", notAvailable: "not available", tokenExpired: "token expired",
	tooManyRequests: "too many requests", unrecoverable: "unrecoverable position",
}

// temporary reports whether the same command may work later.
func (c code) temporary() bool { return c == internal || c == tooManyRequests }

// codes say what a refused command is told; a reason that is not here is internal.
var codes = map[protocol.Reason]code{
	protocol.Unauthorized: unauthorized, protocol.NotFound: unknownChannel, protocol.UnknownChannel: unknownChannel,
	protocol.UnknownType: methodNotFound, protocol.Forbidden: permissionDenied,
	protocol.InvalidToken: permissionDenied, protocol.Revoked: permissionDenied,
	protocol.UnknownUser: permissionDenied, protocol.TooMany: limitExceeded, protocol.Malformed: badRequest,
	protocol.TooLarge: badRequest, protocol.TokenExpired: tokenExpired, protocol.RateLimited: tooManyRequests,
	protocol.Busy: tooManyRequests, protocol.StorageFull: tooManyRequests, protocol.PositionLost: unrecoverable,
}

func codeOf(refusal *protocol.Refusal) code {
	if c, ok := codes[refusal.Reason]; ok {
		return c
	}
	return internal
}

// fail is the reply to a command that is refused.
func fail(id uint32, c code) protocol.Send {
	text := c.append(appendID(nil, id, "error"))
	if c.temporary() {
		text = append(text, `,"temporary":true`...)
	}
	return protocol.Send{Text: append(text, "}}"...)}
}

func (c code) append(text []byte) []byte {
	text = strconv.AppendInt(append(text, `"code":`...), int64(c), 10)
	return rawjson.AppendText(append(text, `,"message":`...), messages[c])
}

// AppendError adds the code and the message for a refusal.
func AppendError(text []byte, refusal *protocol.Refusal) []byte { return codeOf(refusal).append(text) }

// failed are the commands for a command that is refused.
func failed(id uint32, refusal *protocol.Refusal) []protocol.Command {
	return []protocol.Command{fail(id, codeOf(refusal))}
}

// The ends of a connection. A client does not come back by itself after one from 3500 on.
var (
	shutdown        = protocol.Close{Code: 3001, Reason: "shutdown"}
	internalError   = protocol.Close{Code: 3004, Reason: "internal server error"}
	expired         = protocol.Close{Code: 3005, Reason: "connection expired"}
	slow            = protocol.Close{Code: 3008, Reason: "slow"}
	noPong          = protocol.Close{Code: 3012, Reason: "no pong"}
	tooFast         = protocol.Close{Code: 3013, Reason: "too many requests"}
	invalidToken    = protocol.Close{Code: 3500, Reason: "invalid token"}
	malformed       = protocol.Close{Code: 3501, Reason: "bad request"}
	stale           = protocol.Close{Code: 3502, Reason: "stale"}
	forced          = protocol.Close{Code: 3503, Reason: "force disconnect"}
	connectionLimit = protocol.Close{Code: 3504, Reason: "connection limit"}
	denied          = protocol.Close{Code: 3507, Reason: "permission denied"}
	unavailable     = protocol.Close{Code: 3508, Reason: "not available"}
)

// ends say how a connection is closed for a reason; one that is not here is an internal error.
var ends = map[protocol.Reason]protocol.Close{
	protocol.Draining: shutdown, protocol.TokenExpired: expired, protocol.Slow: slow, protocol.Stale: slow,
	protocol.Silent: noPong, protocol.RateLimited: tooFast, protocol.Busy: tooFast, protocol.StorageFull: tooFast,
	protocol.Unauthorized: invalidToken, protocol.InvalidToken: invalidToken, protocol.UnknownUser: invalidToken,
	protocol.Malformed: malformed, protocol.UnknownType: malformed, protocol.AuthTimeout: stale,
	protocol.Disconnected: forced, protocol.Revoked: forced, protocol.Suspended: forced,
	protocol.TooMany: connectionLimit, protocol.Forbidden: denied,
	protocol.TooLarge: {Code: 1009, Reason: "message size limit"},
}

// endOf is how a connection ends that is refused. A code that was asked for is taken if clients know its class.
func endOf(refusal *protocol.Refusal) protocol.Close {
	if asked := refusal.Close; asked != nil && asked.Code >= 3000 {
		return *asked
	}
	if end, ok := ends[refusal.Reason]; ok {
		return end
	}
	return internalError
}
