package actors

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/mailbox"
	"github.com/parley-realtime/parley/protocol"
)

func TestLifecycle_IsKeptInATopicThatIsReadByPosition(t *testing.T) {
	heralded(t, Config{TopicIdle: time.Minute, HistoryAge: time.Hour, Timeout: time.Hour, Topics: 1},
		func(t *testing.T, n *Node, c *crier) {
			read := func(after protocol.Position) HistoryPage {
				t.Helper()
				page, err := n.History(context.Background(), "acme", protocol.LifecycleTopic, after, 0)
				if err != nil {
					t.Fatal(err)
				}
				return page
			}
			ann := enter(t, n, words, someone("ann"))
			synctest.Wait()
			mustPublish(t, n, "a", jsonEvent(t, "", 1)) // the one topic that the tenant may have
			first := read(protocol.Position{})
			time.Sleep(10 * time.Minute) // the topic has no listener and is not idle
			enter(t, n, words, someone("bob"))
			ann.link.Gone(protocol.Lost)
			synctest.Wait()
			rest := read(first.Position)
			var got []string
			for _, entry := range append(first.Events, rest.Events...) {
				var e news
				if err := json.Unmarshal(entry.Event.Data, &e); err != nil ||
					entry.Event.ID != fmt.Sprintf("%s-%d", e.Epoch, e.Number) || entry.Offset != e.Number {
					t.Errorf("%s with offset %d and id %s: %v", entry.Event.Data, entry.Offset, entry.Event.ID, err)
				}
				got = append(got, e.Type)
			}
			if len(first.Events) != 2 || fmt.Sprint(got[2:]) != "[disconnected user_offline user_online connected]" &&
				len(got) != 6 {
				t.Errorf("the topic has %q", got)
			}
			if len(c.told()) != 6 {
				t.Errorf("the sink got %d", len(c.told()))
			}
		})
}

func TestLifecycle_ItsTopicIsNobodysToHearOrPublishTo(t *testing.T) {
	for name, on := range map[string]bool{"on": true, "off": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := New(Config{}, anyone{}, TenantConfig{Name: "acme", Lifecycle: Lifecycle{Topic: on}})
				defer n.Close()
				ann := enter(t, n, words, someone("ann"))
				for _, topic := range []string{"$lifecycle", "$lifecycle/x"} {
					if out := ann.do(protocol.Subscribe{Topic: topic}); reasonOf(out[0].Err) != protocol.Forbidden {
						t.Errorf("subscribe %s: %v", topic, out[0].Err)
					}
					borrowed := ann.do(protocol.Subscribe{Topic: topic, As: someone("eve")})
					if reasonOf(borrowed[0].Err) != protocol.Forbidden {
						t.Errorf("subscribe to %s by another's right: %v", topic, borrowed[0].Err)
					}
					if _, err := publishTo(n, topic, jsonEvent(t, "", 1)); reasonOf(err) != protocol.Forbidden {
						t.Errorf("publish to %s: %v", topic, err)
					}
					ann.do(protocol.Announce{Topic: topic, Member: "m", For: time.Minute})
				}
				synctest.Wait()
				if here, err := n.Presence(context.Background(), "acme", "$lifecycle"); err != nil || len(here) > 0 {
					t.Errorf("%v are its members, %v", here, err)
				}
				page, err := n.History(context.Background(), "acme", "$lifecycle", protocol.Position{}, 0)
				if (err == nil) != on || len(page.Events) > 2 {
					t.Errorf("the topic is there: %t", !on)
				}
				ann.wantHeard(t)
			})
		})
	}
}

func TestLifecycle_WhatTheTopicRefusesIsCounted(t *testing.T) {
	heralded(t, Config{}, func(t *testing.T, n *Node, c *crier) {
		enter(t, n, words, &protocol.Identity{})
		synctest.Wait()
		crashTopic(n, protocol.LifecycleTopic)
		crashTopic(n, protocol.LifecycleTopic)
		synctest.Wait() // it waits for its restart
		n.tenant("acme").topics.Each(func(name string, box *mailbox.Mailbox) bool {
			if name == protocol.LifecycleTopic {
				box.Init(3)
			}
			return true
		})
		enter(t, n, words, someone("ann")).subscribe(t, "a", "b", "c")
		time.Sleep(10 * time.Second)
		enter(t, n, words, someone("bob"))
		synctest.Wait()
		if f := n.Metrics().Lifecycles["acme"]; len(c.told()) != 8 || f.Emitted != 8 || f.Lost["topic"] != 2 {
			t.Errorf("%d emitted, %+v", len(c.told()), f)
		}
		page, err := n.History(context.Background(), "acme", protocol.LifecycleTopic, protocol.Position{}, 0)
		if err != nil || len(page.Events) != 6 {
			t.Errorf("%d are in the topic, %v", len(page.Events), err)
		}
	})
}
