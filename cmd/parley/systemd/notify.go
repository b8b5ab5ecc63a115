// Package systemd tells systemd how the service is, as sd_notify(3) does: for units of Type=notify and notify-reload,
// with or without WatchdogSec.
//
// In a service that systemd did not start, which the environment tells, all calls here do nothing. A call never blocks
// for longer than sendWait, and returns no error, since the service can do nothing about it.
//
// It does not know what the service is.
package systemd

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Notifier sends messages to systemd. The zero value, and nil, send none.
type Notifier struct {
	address  string
	watchdog time.Duration // within which systemd wants to hear; 0 never
}

const (
	// sendWait bounds a message to a systemd that is busy.
	sendWait = 100 * time.Millisecond
	// maxStatus bounds the text of a state, in bytes.
	maxStatus = 256
)

// New reads the variables that systemd has put into the environment. It ignores those that it does not understand.
func New(getenv func(string) string) *Notifier {
	n := &Notifier{address: getenv("NOTIFY_SOCKET")}
	if !strings.HasPrefix(n.address, "/") && !strings.HasPrefix(n.address, "@") {
		return &Notifier{}
	}
	if pid := getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return n
	}
	if usec, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64); err == nil && usec > 0 {
		n.watchdog = time.Duration(usec) * time.Microsecond
	}
	return n
}

// Ready says that the service serves, or has done with a reload.
func (n *Notifier) Ready(status string) { n.send("READY=1", statusLine(status)) }

// Reloading says that the service takes a new configuration; Ready ends that.
func (n *Notifier) Reloading() {
	n.send("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", monotonic().Microseconds()), statusLine("reloading"))
}

// Stopping says that the service ends, and how long that may take, whatever TimeoutStopSec is.
func (n *Notifier) Stopping(within time.Duration, status string) {
	n.send("STOPPING=1", fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", within.Microseconds()), statusLine(status))
}

// Alive says that the service works; to be said every Interval.
func (n *Notifier) Alive() { n.send("WATCHDOG=1") }

// Interval is how often systemd is to hear that the service works: half of the time after which it would end it. 0 is
// never.
func (n *Notifier) Interval() time.Duration {
	if n == nil {
		return 0
	}
	return n.watchdog / 2
}

// statusLine is a line of its own whatever is in the text.
func statusLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return "STATUS=" + strings.ToValidUTF8(text[:min(len(text), maxStatus)], "")
}

// send sends one message. A name that begins with @ is an abstract socket, for package net as well.
func (n *Notifier) send(lines ...string) {
	if n == nil || n.address == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.address, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	if conn.SetWriteDeadline(time.Now().Add(sendWait)) == nil {
		_, _ = conn.Write([]byte(strings.Join(lines, "\n")))
	}
}
