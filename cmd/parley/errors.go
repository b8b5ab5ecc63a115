package main

import (
	"strings"

	"github.com/parley-realtime/parley/cmd/parley/logline"
)

// oneLine is an error as one line without control characters.
func oneLine(err error) string {
	return logline.Clean(strings.Join(strings.Fields(err.Error()), " "))
}
