// Command broadcast is gws without anything around it: its Broadcaster behind a small HTTP call, as its documentation
// shows it. It tells what an engine on top of gws adds, or saves.
//
// It accepts WebSockets on /ws, to which it echoes what they say, and POST /publish, whose body it sends as one text
// message to all of them. The answer is the number of sockets whose queue took the message.
//
// It promises one order for all sockets. gws's queues have no bound, so every 64th publish waits until all queues are
// empty; without this a publisher that is faster than the sockets fills the memory. It asks for clients that read: gws
// sets no deadline for a write, and a client that never reads holds the publishers up for ever.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	address := flag.String("listen", "127.0.0.1:0", "address to serve on")
	flag.Parse()
	if err := serve(*address); err != nil {
		fmt.Fprintln(os.Stderr, "broadcast:", err)
		os.Exit(1)
	}
}

func serve(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Printf("serving address=%s\n", listener.Addr())
	server := &http.Server{Handler: routes(newHub()), ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(listener)
}
