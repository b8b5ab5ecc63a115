package client

import (
	"fmt"
	"sync"
	"time"

	"github.com/parley-realtime/parley/bench/faults/checker"
)

// Crowd is many clients, each of which listens in a goroutine of its own until its connection ends.
type Group struct {
	Clients   []*Client
	listening sync.WaitGroup
}

// width is how many clients come in at once.
const width = 32

// DialAll brings in clients 0 to count-1. With an error nobody is left behind.
func DialAll(address string, count int, options func(i int) Options) (*Group, error) {
	c := &Group{Clients: make([]*Client, count)}
	errs := make(chan error, count)
	turn := make(chan struct{}, width)
	var dialing sync.WaitGroup
	for i := range count {
		turn <- struct{}{}
		dialing.Go(func() {
			defer func() { <-turn }()
			var err error
			if c.Clients[i], err = Dial(address, options(i)); err != nil {
				errs <- fmt.Errorf("client %d of %d: %w", i+1, count, err)
			}
		})
	}
	dialing.Wait()
	select {
	case err := <-errs:
		c.Close()
		return nil, err
	default:
		return c, nil
	}
}

// Users are options for clients that are called after a name and their numbers and subscribe to a device.
func Users(name, device string) func(i int) Options {
	return func(i int) Options { return Options{User: fmt.Sprint(name, "-", i), Devices: []string{device}} }
}

// Listen lets all listen.
func (c *Group) Listen() {
	for _, client := range c.Clients {
		c.listening.Go(client.Listen)
	}
}

// Close ends all and waits until nobody listens.
func (c *Group) Close() {
	for _, client := range c.Clients {
		if client != nil {
			client.Cut()
		}
	}
	c.listening.Wait()
}

// Wait waits until all have ended by themselves, and reports whether they did in time.
func (c *Group) Wait(within time.Duration) bool {
	done := make(chan struct{})
	go func() { c.listening.Wait(); close(done) }()
	select {
	case <-done:
		return true
	case <-time.After(within):
		return false
	}
}

// Heard waits until each has heard so many events, and reports whether that came about in time.
func (c *Group) AwaitEvents(events int64, within time.Duration) bool {
	late := time.Now().Add(within)
	for _, client := range c.Clients {
		for client.Events() < events {
			if time.Now().After(late) {
				return false
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
	return true
}

// Readers are the histories. Nobody may listen any more.
func (c *Group) Readers(whole bool) (all []checker.Reader) {
	for _, client := range c.Clients {
		all = append(all, checker.Reader{Name: client.String(), Heard: client.Heard, Whole: whole})
	}
	return all
}

// Codes counts how they ended. Nobody may listen any more.
func (c *Group) Codes() map[int]int {
	codes := map[int]int{}
	for _, client := range c.Clients {
		codes[client.Code]++
	}
	return codes
}
