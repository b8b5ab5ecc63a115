package api

import (
	"context"
	_ "embed"
)

// document describes every call, with examples. A test calls the handlers with them.
//
//go:embed openapi.json
var document []byte

// openapi does GET /openapi.json.
func (a *API) openapi(_ context.Context, rc *requestContext) error {
	rc.out = append(rc.out, document...)
	return nil
}
