//go:build !race

package api

import "time"

// prompt is how long reading a hostile body may take.
const prompt = 50 * time.Millisecond
