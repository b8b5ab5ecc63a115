package actors_test

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/notify"
)

// The examples are what a Go program does that embeds Parley. It brings a Transport for each of its connections (here
// one that prints) and an Authenticator (here one that believes everybody); it gets the registry that the document of
// notify describes: one per node, by user, with targeted sends and broadcasts.

// printer is a transport that prints what it is given.
type printer struct {
	link *actors.Conn
	over chan struct{}
}

func (p *printer) Wake() {
	for {
		frames := p.link.Outbox().Take(nil, 1<<16)
		if len(frames) == 0 {
			return
		}
		for _, f := range frames {
			fmt.Printf("%s hears %s\n", p.link.ID(), f.Data)
		}
		freed, more := p.link.Outbox().Ack(frames, time.Now().UnixNano())
		p.link.Outbox().Backpressure().Add(-freed)
		if !more {
			return
		}
	}
}

func (p *printer) Close(code uint16, reason string) {
	fmt.Printf("%s is closed with %d %s\n", p.link.ID(), code, reason)
	p.Cut()
}

func (p *printer) Cut() {
	p.link.Gone(protocol.Disconnected)
	select {
	case p.over <- struct{}{}:
	default:
	}
}

// believer is an Authenticator that takes a token for the user's name.
type believer struct{}

func (believer) Authenticate(_ context.Context, _ string, c protocol.Credential) (*protocol.Identity, error) {
	return &protocol.Identity{User: c.Token, Topics: []protocol.Pattern{"*"}}, nil
}

var pages = notify.New(notify.DefaultConfig())

// connect lets a user in, who was authenticated before.
func connect(node *actors.Node, user string) *printer {
	opened, _ := pages.Open(protocol.Handshake{Path: notify.Path,
		Query: map[string][]string{"access_token": {user}}, Header: func(string) string {
			return ""
		}})
	wire := &printer{over: make(chan struct{}, 1)}
	_, refused := node.Connect(actors.ConnectOptions{Tenant: "acme", Dialect: pages, Session: opened.Session,
		Identity: &protocol.Identity{User: user, Topics: []protocol.Pattern{"*"}}},
		func(l *actors.Conn) outbox.Transport { wire.link = l; return wire })
	if refused != nil {
		fmt.Println(refused)
	}
	until(func() bool { // the user's actor knows it
		_, err := node.User(context.Background(), "acme", user)
		return err == nil
	})
	return wire
}

// until waits until it is so, for 20 s at most: then the example's output is another.
func until(true func() bool) {
	for end := time.Now().Add(20 * time.Second); !true() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

func event(data string) *protocol.Event {
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON, Data: []byte(data)})
	if err != nil {
		fmt.Println(err)
	}
	return ev
}

// R002.6, R002.10: the registry is empty at first, and connecting registers.
func ExampleNode_Connect() {
	node := actors.New(actors.Config{}, believer{}, actors.TenantConfig{Name: "acme"})
	defer node.Close()
	fmt.Println(node.Stats("acme").ActiveConnections)
	wire := connect(node, "7")
	fmt.Println(wire.link.ID() != "", node.Stats("acme").ActiveConnections)
	// Output:
	// 0
	// true 1
}

// R002.3, R002.13: a connection is looked up by its user; there may be none.
func ExampleNode_User() {
	node := actors.New(actors.Config{}, believer{}, actors.TenantConfig{Name: "acme"})
	defer node.Close()
	connect(node, "7")
	user, err := node.User(context.Background(), "acme", "7")
	fmt.Println(len(user.Connections), user.Connections[0].Dialect, err)
	_, err = node.User(context.Background(), "acme", "8")
	fmt.Println(err)
	// Output:
	// 1 notify <nil>
	// user "8" has no connection
}

// R002.14, R002.16, R002.17: what is sent to a user says to how many connections it went; with none it is no error.
func ExampleNode_Publish() {
	node := actors.New(actors.Config{}, believer{}, actors.TenantConfig{Name: "acme"})
	defer node.Close()
	connect(node, "7")
	for _, user := range []string{"7", "8"} {
		receipt, err := node.Publish(context.Background(), "acme", actors.Target{Users: []string{user}},
			event(`{"message":"NEW_ACTIVITY_NOTIFICATION","notification_id":9}`))
		fmt.Println(user, receipt.Delivered, err)
	}
	// Output:
	// ws-1 hears {"message":"NEW_ACTIVITY_NOTIFICATION","notification_id":9}
	// 7 1 <nil>
	// 8 0 <nil>
}

// R002.5, R002.7, R002.8: a broadcast reaches every connected user, unchanged.
func ExampleNode_Publish_broadcast() {
	node := actors.New(actors.Config{}, believer{}, actors.TenantConfig{Name: "acme"})
	defer node.Close()
	connect(node, "7")
	connect(node, "8")
	receipt, err := node.Publish(context.Background(), "acme", actors.Target{All: true}, event(`{"message":"hello"}`))
	fmt.Println(receipt.Delivered, err)
	// Unordered output:
	// ws-1 hears {"message":"hello"}
	// ws-2 hears {"message":"hello"}
	// 2 <nil>
}

// R002.12: disconnecting closes what the user has; a user without a connection is no harm.
func ExampleNode_DisconnectUser() {
	node := actors.New(actors.Config{}, believer{}, actors.TenantConfig{Name: "acme"})
	defer node.Close()
	wire := connect(node, "7")
	count, err := node.DisconnectUser(context.Background(), "acme", "7", 0, "")
	<-wire.over
	fmt.Println(count, err)
	count, _ = node.DisconnectUser(context.Background(), "acme", "7000", 0, "")
	fmt.Println(count)
	// Unordered output:
	// ws-1 is closed with 1000 disconnected
	// 1 <nil>
	// 0
}
