package protocol

import (
	"context"
	"math/rand/v2"
	"strconv"
)

// NewRequestID names one request, so that its refusal is found in the log: 12 letters and digits, by chance. It is no
// secret and proves nothing.
func NewRequestID() string {
	const first = 131_621_703_842_267_136 // 36^11, the smallest number of 12 digits
	return strconv.FormatUint(first+rand.Uint64N(35*first), 36)
}

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
