package websocket

import (
	"errors"
	"net"
	"os"
	"syscall"

	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/protocol"
)

// byServer closes a socket whose client broke the protocol, with a close frame of ours.
func byServer(code uint16, reason string, cause protocol.Reason) *closing {
	return &closing{code: code, reason: reason, cause: cause,
		note: recorder.Close{By: recorder.Server, Code: code, Detail: reason, Rule: faultRules[cause]}}
}

// faultRules name what decided that a client broke the protocol; RFC 6455 alone is no setting.
var faultRules = map[protocol.Reason]string{
	protocol.Malformed: "RFC 6455", protocol.TooMany: "fragments", protocol.RateLimited: "controls",
	protocol.Silent: "message_timeout",
}

// byClient is the ending by a client's close frame.
func byClient(code uint16, reason string) recorder.Close {
	detail := ""
	if reason != "" {
		detail = "it said " + protocol.Quote(reason)
	}
	return recorder.Close{By: recorder.Client, Code: code, Detail: detail}
}

// brokeOff is the ending of a connection whose stream broke off.
func brokeOff(err error) recorder.Close {
	return recorder.Close{By: recorder.Network, Code: recorder.NoFrame, Detail: howBroken(err)}
}

// howBroken says what the error of a read or a write means for its connection, "" if it says nothing.
func howBroken(err error) string {
	switch {
	case err == nil || errors.Is(err, net.ErrClosed):
		return ""
	case isEOF(err):
		return "its side of the stream ended without a close frame"
	case errors.Is(err, syscall.ECONNRESET):
		return "it was reset"
	case errors.Is(err, syscall.EPIPE):
		return "it did not take what was written"
	case errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, syscall.EHOSTUNREACH),
		errors.Is(err, os.ErrDeadlineExceeded):
		return "the peer did not answer"
	}
	return "it failed"
}
