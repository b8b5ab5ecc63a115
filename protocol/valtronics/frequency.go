package valtronics

import (
	"strconv"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Bounds of a frequency: below, it would be no relief; above, the latest value would be worth nothing.
const (
	minEvery = 10 * time.Millisecond
	maxEvery = 24 * time.Hour
)

// units are what a number of a frequency may end with; ms before s, which it ends with too.
var units = []struct {
	suffix string
	unit   time.Duration
}{{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"", time.Second}}

// frequency reads how often a subscription wants to hear at most; 0 is every event.
func frequency(raw []byte) (time.Duration, *protocol.Refusal) {
	if raw == nil {
		return 0, nil
	}
	text, ok := rawjson.Scalar(raw)
	text = strings.ToLower(strings.TrimSpace(text))
	switch text {
	case "real-time", "realtime", "":
		if ok {
			return 0, nil
		}
	}
	for _, u := range units {
		digits, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		if every, ok := times(strings.TrimSpace(digits), u.unit); ok {
			return every, nil
		}
		break
	}
	return 0, protocol.Refuse(protocol.Malformed,
		`frequency must be "real-time" or a time from %s to %s, such as "30s", "500ms", "5m", "1h" or a number of `+
			`seconds`, "10ms", "24h")
}

// times is a decimal number of units, if it is within bounds. Zero is every event.
func times(digits string, unit time.Duration) (time.Duration, bool) {
	if len(digits) > 32 || strings.Trim(digits, "0123456789.") != "" {
		return 0, false
	}
	number, err := strconv.ParseFloat(digits, 64)
	if err != nil || number > float64(maxEvery/unit) {
		return 0, false
	}
	every := time.Duration(number * float64(unit))
	return every, every == 0 && number == 0 || every >= minEvery
}
