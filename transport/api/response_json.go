package api

import (
	"math"
	"strconv"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// appendError appends the form that all errors have; request is the id of the request, "" for an item of a batch.
func appendError(dst []byte, code, message, request string) []byte {
	dst = append(dst, `{"error":{"code":`...)
	dst = rawjson.AppendText(dst, code)
	dst = append(dst, `,"message":`...)
	dst = rawjson.AppendText(dst, message)
	if request != "" {
		dst = appendTextMember(dst, "request_id", request)
	}
	return append(dst, "}}"...)
}

// appendDetail adds the member detail to an error, which clients of the original servers read.
func appendDetail(dst []byte, refusal *protocol.Refusal) []byte {
	text := refusal.Error()
	if refusal.Reason == protocol.Unauthorized {
		text = "Not authenticated" // the original's words
	}
	return append(appendTextMember(dst[:len(dst)-1], "detail", text), '}')
}

// appendRefusal is appendError for one item of a batch. An item has no headers of its own, so an error that may be
// tried again has the seconds to wait in a member.
func appendRefusal(dst []byte, refusal *protocol.Refusal) []byte {
	dst = appendError(dst, string(refusal.Reason), refusal.Error(), "")
	if status := refusal.Reason.Status(); status == 429 || status == 503 {
		dst = append(dst[:len(dst)-2], `,"retry_after":`...)
		dst = append(dst, retryAfter(refusal)...)
		dst = append(dst, "}}"...)
	}
	return dst
}

// retryAfter is the value of Retry-After: whole seconds, at least 1.
func retryAfter(refusal *protocol.Refusal) string {
	return strconv.FormatInt(max(1, int64(math.Ceil(refusal.RetryAfter.Seconds()))), 10)
}

// appendMember appends the name of an object's member, behind a comma unless it is the first.
func appendMember(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, name...)
	return append(dst, '"', ':')
}

func appendTextMember(dst []byte, name, text string) []byte {
	return rawjson.AppendText(appendMember(dst, name), text)
}

func appendCount[T int | uint64](dst []byte, name string, n T) []byte {
	return strconv.AppendUint(appendMember(dst, name), uint64(max(n, 0)), 10)
}

// appendRatio appends a/b, 0 if b is 0, with at most three decimals.
func appendRatio(dst []byte, name string, a float64, b uint64) []byte {
	ratio := 0.0
	if b > 0 {
		ratio = math.Round(a/float64(b)*1000) / 1000
	}
	return strconv.AppendFloat(appendMember(dst, name), ratio, 'f', -1, 64)
}

// appendTime appends a time as RFC 3339 in UTC.
func appendTime(dst []byte, name string, t time.Time) []byte {
	dst = append(appendMember(dst, name), '"')
	dst = t.UTC().AppendFormat(dst, time.RFC3339Nano)
	return append(dst, '"')
}

// appendNext ends a page with the cursor of the next one, "" if this is the last.
func appendNext(dst []byte, next string) []byte {
	return append(appendTextMember(dst, "cursor", next), '}')
}
