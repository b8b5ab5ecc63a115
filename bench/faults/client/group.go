package client

import (
	"fmt"
	"sync"
	"time"

	"github.com/parley-realtime/parley/bench/faults/checker"
)

// Group is many clients, each of which listens in a goroutine of its own until its connection ends.
type Group struct {
	Clients   []*Client
	listening sync.WaitGroup
}

// width is how many clients connect at once.
const width = 32

// DialAll connects clients 0 to count-1, and blocks until all are logged in. If one fails, it closes all of them.
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

// Listen starts all clients listening.
func (c *Group) Listen() {
	for _, client := range c.Clients {
		c.listening.Go(client.Listen)
	}
}

// Close ends all clients and blocks until none listens.
func (c *Group) Close() {
	for _, client := range c.Clients {
		if client != nil {
			client.Cut()
		}
	}
	c.listening.Wait()
}

// Wait blocks until all connections have ended by themselves, and reports whether they did in time.
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

// AwaitEvents blocks until each client has received so many events, and reports whether that happened in time.
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

// Readers are the histories of the clients. No client may listen any more.
func (c *Group) Readers(whole bool) (all []checker.Reader) {
	for _, client := range c.Clients {
		all = append(all, checker.Reader{Name: client.String(), Heard: client.Heard, Whole: whole})
	}
	return all
}

// Codes counts the close codes. No client may listen any more.
func (c *Group) Codes() map[int]int {
	codes := map[int]int{}
	for _, client := range c.Clients {
		codes[client.Code]++
	}
	return codes
}
