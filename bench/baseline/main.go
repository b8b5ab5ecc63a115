// Command baseline is the lowest cost of a server that writes each event to each socket as soon as it has it: one
// thread, an epoll loop and a bare write(2) per socket and event. At full speed, only servers that let events wait and
// write several at once stay below it. The benchmark measures its targets against it (its file is
// bench/peers/floor.yaml); it is no server for use.
//
// It accepts any WebSocket on any path, and POST /publish, whose body it sends as one text frame to all sockets that
// are open when its turn comes. It answers with the count of these sockets when the frame is written or queued for
// each.
//
// With -window it gathers the frames of that time instead, from the first one on, and writes all of them to each socket
// in one write(2); it answers a publisher at once, with the count of the sockets that are open. That is the lowest cost
// of a server that lets the events of a topic wait for each other.
//
// It promises that no socket misses a frame or sees two in another order than the others do. Bytes that a full socket
// cannot take wait for it: at most 8 MiB for all sockets together, then the publishers wait.
//
// It asks for clients that read (one that never does holds the publishers up in the end), for bodies below 64 KiB and
// for Linux. It ignores what clients say; topics, users and authentication are unknown to it.
//
// The write is syscall.RawSyscall, since Go's own way to the kernel (its poller, the hand-over of the processor around
// a call) is a part of what is measured in the other targets.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to serve on, an IPv4 one")
	window := flag.Duration("window", 0, "how long frames wait for more, to leave in one write (default not at all)")
	flag.Parse()
	if err := run(*listen, *window); err != nil {
		fmt.Fprintln(os.Stderr, "baseline:", err)
		os.Exit(1)
	}
}

func run(address string, window time.Duration) error {
	l, err := listen(address)
	if err != nil {
		return err
	}
	l.window = window
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, os.Interrupt)
	go func() { // ends with the process, which ends when the loop does
		<-ended
		l.stop()
	}()
	fmt.Printf("serving address=%s\n", l.address)
	return l.run()
}
