package info

import (
	"strconv"
	"strings"
)

// ConnectionID is the id of the connection with a number: "ws-" and the number.
func ConnectionID(number uint64) string { return "ws-" + strconv.FormatUint(number, 10) }

// ConnectionNumber is the number in a connection's id; 0 if id is not the id of a connection.
func ConnectionNumber(id string) uint64 {
	digits, ok := strings.CutPrefix(id, "ws-")
	if !ok {
		return 0
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0
	}
	return number
}
