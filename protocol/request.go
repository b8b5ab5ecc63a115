package protocol

import (
	"context"
	"math/rand/v2"
	"strconv"
	"strings"
)

// NewRequestID names one request, so that its refusal is found in the log: 12 letters and digits, by chance. It is no
// secret and proves nothing.
func NewRequestID() string {
	const first = 131_621_703_842_267_136 // 36^11, the smallest number of 12 digits
	return strconv.FormatUint(first+rand.Uint64N(35*first), 36)
}

// RequestIDOf is the id of a request with these lines of the header X-Request-Id: the one that a client or proxy gave
// it, if there is one of at most 64 letters, digits, and . _ -, else a new one.
func RequestIDOf(given []string) string {
	if len(given) != 1 || given[0] == "" || len(given[0]) > 64 || strings.Trim(given[0], requestIDChars) != "" {
		return NewRequestID()
	}
	return given[0]
}

const requestIDChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

type requestKey struct{}

// WithRequestID says which request is being answered, for the log lines of those who are asked on its behalf.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestID is the id of the request that is being answered, "" if there is none.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}
