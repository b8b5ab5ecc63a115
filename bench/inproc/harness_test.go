package inproc

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

func subscriber(i int) Entry {
	return Entry{User: "u" + strconv.Itoa(i),
		Lines: []string{`{"type":"subscribe","channel":"telemetry","device_id":1}`}}
}

func sample(t *testing.T) *protocol.Event {
	t.Helper()
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.Telemetry,
		Data: []byte(`{"device_id":1,"telemetry":{"load":{"value":1}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

func TestDeliver_EachClientTakesEachEventOnce(t *testing.T) {
	c := New(Limits())
	defer c.Close()
	const clients, events = 2000, 5
	all, err := c.Connect(clients, subscriber)
	if err != nil {
		t.Fatal(err)
	}
	for range events {
		if delivered, _, err := c.Deliver(actors.Target{Topic: "telemetry/1"}, sample(t)); err != nil ||
			delivered != clients {
			t.Fatalf("delivered %d (%v)", delivered, err)
		}
	}
	if n := c.Node.Stats(Tenant).Authenticated; n != clients {
		t.Errorf("%d are authenticated", n)
	}
	for i, client := range all {
		if client.Received() != events {
			t.Errorf("client %d took %d events", i, client.Received())
		}
	}
}

func TestDisconnect_ReturnsWhenTheNodeHasForgottenThem(t *testing.T) {
	c := New(Limits())
	defer c.Close()
	all, err := c.Connect(300, subscriber)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Disconnect(all[:200]); err != nil {
		t.Fatal(err)
	}
	if n := c.Node.Stats(Tenant).ActiveConnections; n != 100 {
		t.Errorf("%d are open", n)
	}
	if delivered, _, err := c.Deliver(actors.Target{Topic: "telemetry/1"}, sample(t)); err != nil || delivered != 100 {
		t.Errorf("delivered %d (%v)", delivered, err)
	}
}

func TestAsk_WhatAClientIsRefusedIsAFault(t *testing.T) {
	c := New(Limits())
	defer c.Close()
	all, err := c.Connect(1, subscriber)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Ask(all[0], `{"type":"subscribe","channel":"nothing"}`); err == nil ||
		!strings.Contains(err.Error(), "unknown_channel") {
		t.Errorf("got %v", err)
	}
}

func TestConnect_AClientThatIsClosedIsAFault(t *testing.T) {
	c := New(Limits())
	defer c.Close()
	all, err := c.Connect(1, subscriber)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Node.Disconnect(Tenant, all[0].link.ID(), 4000, "go"); err != nil {
		t.Fatal(err)
	}
	for c.faults.first() == nil {
		_ = c.Node.Stats(Tenant) // a connection's own goroutine closes it
	}
	if _, err := c.Connect(1, subscriber); err == nil || !strings.Contains(err.Error(), "4000") {
		t.Errorf("got %v", err)
	}
}

func TestCounter_WaitsForAsManyAsWereAskedFor(t *testing.T) {
	var n counter
	var f faults
	done := make(chan error)
	go func() { done <- n.await(3, &f) }()
	for range 2 {
		n.add(1)
	}
	select {
	case <-done:
		t.Fatal("two are not three")
	default:
	}
	f.note(errors.New("first"))
	f.note(errors.New("second"))
	n.add(1)
	if err := <-done; err == nil || err.Error() != "first" {
		t.Errorf("got %v", err)
	}
}
