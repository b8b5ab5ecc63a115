package actors

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

func TestLifecycle_WhatItHasNoRoomForLeavesAGapAndIsCounted(t *testing.T) {
	heralded(t, Config{MailboxSize: 1}, func(t *testing.T, n *Node, c *crier) { // room for eight
		n.SetTenant(TenantConfig{Name: "acme", Lifecycle: Lifecycle{Sink: c}})
		synctest.Wait()
		c.hold = make(chan struct{})
		for i := range 10 {
			enter(t, n, words, someone(fmt.Sprint(i)))
			synctest.Wait() // nobody waits for it
		}
		if openLinks(n) != 10 {
			t.Fatalf("%d are connected", openLinks(n))
		}
		close(c.hold)
		synctest.Wait()
		enter(t, n, words, someone("last"))
		all := c.told()
		if len(all) != 11 || all[8].Number != 9 || all[9].Number != 21 || all[10].Number != 22 {
			t.Errorf("%d were emitted, the last %+v", len(all), all[len(all)-1])
		}
		if f := n.Metrics().Lifecycles["acme"]; f.Emitted != 11 || f.Lost["mailbox"] != 11 || f.Lost["topic"] != 0 {
			t.Errorf("%+v", f)
		}
	})
}

func TestLifecycle_APanicLeavesAGapAndTheRestIsEmitted(t *testing.T) {
	heralded(t, Config{}, func(t *testing.T, n *Node, c *crier) {
		c.fails = 3
		enter(t, n, words, someone("ann"))
		synctest.Wait()
		enter(t, n, words, someone("bob"))
		all := c.told()
		if len(all) != 3 || all[1].Number != 2 || all[2].Number != 4 || all[2].Type != "connected" {
			t.Errorf("told %+v", all)
		}
		if f := n.Metrics(); f.Restarts["lifecycle"] != 1 || f.Lifecycles["acme"].Lost["failure"] != 1 {
			t.Errorf("restarts %v, %+v", f.Restarts, f.Lifecycles["acme"])
		}
	})
}

func TestLifecycle_ADrainEmitsTheLastOfAll(t *testing.T) {
	heralded(t, Config{}, func(t *testing.T, n *Node, c *crier) {
		for i := range 20 {
			enter(t, n, words, someone(fmt.Sprint(i%4)))
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := n.Drain(ctx); err != nil {
			t.Fatal(err)
		}
		c.mu.Lock() // and not after a wait
		all := c.all
		c.mu.Unlock()
		if len(all) != 20+20+4+4 {
			t.Errorf("told %d", len(all))
		}
	})
}

func TestLifecycle_RestartingATenantLeavesNobodyOnline(t *testing.T) {
	heralded(t, Config{}, func(t *testing.T, n *Node, c *crier) {
		for range 3 {
			enter(t, n, words, someone("ann"))
		}
		synctest.Wait()
		if err := n.RestartTenant(context.Background(), "acme"); err != nil {
			t.Fatal(err)
		}
		all := c.told()
		if last := all[len(all)-1]; last.Type != "user_offline" || len(all) != 8 {
			t.Errorf("told %+v", all)
		}
		enter(t, n, words, someone("ann"))
		synctest.Wait()
		page, err := n.History(context.Background(), "acme", protocol.LifecycleTopic, protocol.Position{}, 0)
		if err != nil || len(page.Events) != 2 {
			t.Errorf("in the new topic: %d, %v", len(page.Events), err)
		}
	})
}
