//go:build race

package api

import "time"

// prompt is how long reading a hostile body may take; the race detector takes ten times as long.
const prompt = 500 * time.Millisecond
