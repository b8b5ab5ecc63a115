// Command nats is a NATS server, embedded, with its WebSocket listener: clients speak NATS in binary frames, publishers
// speak it over TCP. It is a module of its own, so that what NATS needs is none of Parley's needs.
//
// It promises NATS as it comes, without JetStream, authentication and logging: a publisher gets no answer, is slowed
// down a little when clients do not keep up, and a client with 64 MiB waiting for it is cut off.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// patience is how long the start may take.
const patience = 10 * time.Second

func main() {
	websocket := flag.Int("websocket", 0, "port of 127.0.0.1 for the clients")
	tcp := flag.Int("tcp", 0, "port of 127.0.0.1 for the publishers")
	flag.Parse()
	if err := run(*websocket, *tcp); err != nil {
		fmt.Fprintln(os.Stderr, "nats:", err)
		os.Exit(1)
	}
}

func run(websocket, tcp int) error {
	const host = "127.0.0.1"
	s, err := server.NewServer(&server.Options{
		Host: host, Port: tcp, NoLog: true, NoSigs: true,
		Websocket: server.WebsocketOpts{Host: host, Port: websocket, NoTLS: true},
	})
	if err != nil {
		return err
	}
	s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if !s.ReadyForConnections(patience) {
		return errors.New("it does not serve")
	}
	fmt.Printf("serving address=%s:%d\n", host, websocket)
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, os.Interrupt)
	<-ended
	return nil
}
