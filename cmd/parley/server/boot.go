package server

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// machineBoot identifies the last start of the machine, and says how long ago it was, sleep included. It asks the
// kernel of Linux; elsewhere the id is empty. Setting the wall clock changes neither.
func machineBoot() (id string, up time.Duration) {
	name, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", 0
	}
	line, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return "", 0
	}
	first, _, _ := strings.Cut(string(line), " ")
	seconds, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return "", 0
	}
	return strings.TrimSpace(string(name)), time.Duration(seconds * float64(time.Second))
}
