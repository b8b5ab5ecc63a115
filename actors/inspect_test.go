package actors

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// pages walks through all pages of connections and returns their ids.
func pages(t testing.TB, n *Node, q ConnectionQuery) (ids []string, count int) {
	t.Helper()
	for {
		found, next, err := n.Connections(context.Background(), "acme", q)
		if err != nil {
			t.Fatal(err)
		}
		if count++; len(found) > max(q.Limit, 1) && q.Limit > 0 {
			t.Errorf("a page of %d, the limit is %d", len(found), q.Limit)
		}
		for _, c := range found {
			ids = append(ids, c.ID)
		}
		if next == "" {
			return ids, count
		}
		q.Cursor = next
	}
}

func TestConnections_ArePagedOldestFirstAndFiltered(t *testing.T) {
	other := &speech{name: "other"}
	bubble(t, Config{}, func(n *Node) {
		var all, anns, others, rooms []string
		for i := range 30 {
			d, user := words, fmt.Sprint("u", i%3)
			if i%5 == 0 {
				d = other
			}
			c := enter(t, n, d, someone(user))
			all = append(all, c.link.ID())
			if i%3 == 1 {
				anns = append(anns, c.link.ID())
			}
			if d == other {
				others = append(others, c.link.ID())
			}
			if i%4 == 0 {
				c.subscribe(t, "room")
				rooms = append(rooms, c.link.ID())
			}
		}
		anonymous := enter(t, n, words, nil)
		all = append(all, anonymous.link.ID())
		synctest.Wait()
		for name, c := range map[string]struct {
			q     ConnectionQuery
			want  []string
			pages int
		}{
			"all at once":         {ConnectionQuery{}, all, 1},
			"by ten":              {ConnectionQuery{Limit: 10}, all, 4},
			"an exact last page":  {ConnectionQuery{Limit: 31}, all, 1},
			"too large a limit":   {ConnectionQuery{Limit: math.MaxInt}, all, 1},
			"a negative limit":    {ConnectionQuery{Limit: -1}, all, 1},
			"of a user":           {ConnectionQuery{User: "u1", Limit: 5}, anns, 2},
			"of a dialect":        {ConnectionQuery{Dialect: "other", Limit: 4}, others, 2},
			"of a topic":          {ConnectionQuery{Topic: "room", Limit: 100}, rooms, 1},
			"of user and dialect": {ConnectionQuery{User: "u0", Dialect: "other"}, []string{all[0], all[15]}, 1},
			"none":                {ConnectionQuery{User: "nobody"}, nil, 1},
		} {
			if got, count := pages(t, n, c.q); !slices.Equal(got, c.want) || count != c.pages {
				t.Errorf("%s: %v in %d pages, want %v in %d", name, got, count, c.want, c.pages)
			}
		}
		if got, _ := pages(t, n, ConnectionQuery{Topic: "room", Limit: 3}); !slices.Equal(got, rooms) {
			t.Errorf("of a topic by three: %v, want %v", got, rooms)
		}
		for _, cursor := range []string{"x", "ws-", "ws-0", "1"} {
			_, _, err := n.Connections(context.Background(), "acme", ConnectionQuery{Cursor: cursor})
			if reasonOf(err) != protocol.Malformed {
				t.Errorf("cursor %q: %v", cursor, err)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if found, _, err := n.Connections(ctx, "acme", ConnectionQuery{}); reasonOf(err) != protocol.Busy &&
			len(found) != len(all) {
			t.Errorf("with an ended context: %d found, %v", len(found), err)
		}
	})
}

func TestConnections_PagesAreStableWhileConnectionsComeAndGo(t *testing.T) {
	n := New(Config{}, anyone{}, TenantConfig{Name: "acme"})
	defer n.Close()
	var stay []string
	var leave []*client
	for i := range 200 {
		c := enter(t, n, words, someone("a"))
		if i%2 == 0 {
			stay = append(stay, c.link.ID())
		} else {
			leave = append(leave, c)
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, c := range leave {
			c.link.Gone(protocol.Disconnected)
			enter(t, n, words, someone("b"))
		}
	})
	for range 5 {
		got, _ := pages(t, n, ConnectionQuery{User: "a", Limit: 7})
		seen := map[string]bool{}
		for _, id := range got {
			if seen[id] {
				t.Errorf("%s came twice", id)
			}
			seen[id] = true
		}
		for _, id := range stay {
			if !seen[id] {
				t.Errorf("%s stayed and is missing", id)
			}
		}
	}
	wg.Wait()
}

func TestConnection_TellsWhatTheConnectionDidAndWhatWaitsForIt(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		c := enter(t, n, words, someone("ann")).subscribe(t, "room/1", "room")
		c.stop(true)
		mustPublish(t, n, "room/1", jsonEvent(t, "", 1))
		info, err := n.Connection(context.Background(), "acme", c.link.ID())
		if err != nil || info.Tenant != "acme" || info.User != "ann" || info.Dialect != "words" ||
			info.Remote != "192.0.2.1" || !info.Since.Equal(time.Now()) ||
			info.InMessages != 2 || info.InBytes != 2 || info.QueuedFrames != 1 || info.QueuedBytes != 7+16 ||
			info.OutMessages != 0 || fmt.Sprint(info.Subscriptions) != "[room room/1]" {
			t.Errorf("%+v, %v", info, err)
		}
		c.stop(false)
		synctest.Wait()
		if info, _ := n.Connection(context.Background(), "acme", c.link.ID()); info.OutMessages != 1 ||
			info.OutBytes != 7 || info.QueuedFrames != 0 || info.QueuedBytes != 0 {
			t.Errorf("when it was read: %+v", info)
		}
		c.link.Gone(protocol.Disconnected)
		synctest.Wait()
		for _, id := range []string{c.link.ID(), "ws-999", "", "nonsense"} {
			if _, err := n.Connection(context.Background(), "acme", id); reasonOf(err) != protocol.NotFound {
				t.Errorf("%q: %v", id, err)
			}
		}
		if _, err := c.link.info(context.Background()); reasonOf(err) != protocol.NotFound {
			t.Errorf("a connection that ended meanwhile: %v", err)
		}
	})
}

func TestUser_TellsOfItsConnectionsAndIsNotFoundWithoutAny(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		if _, err := n.User(context.Background(), "acme", "ann"); reasonOf(err) != protocol.NotFound {
			t.Errorf("before: %v", err)
		}
		first := enter(t, n, words, someone("ann"))
		since := time.Now()
		time.Sleep(time.Second)
		enter(t, n, words, someone("ann")).subscribe(t, "room")
		u, err := n.User(context.Background(), "acme", "ann")
		if err != nil || u.User != "ann" || len(u.Connections) != 2 || !u.Since.Equal(since) {
			t.Errorf("%+v, %v", u, err)
		}
		first.link.Gone(protocol.Disconnected) // check 33
		synctest.Wait()
		if u, err = n.User(context.Background(), "acme", "ann"); err != nil || len(u.Connections) != 1 ||
			u.Connections[0].Subscriptions[0] != "room" {
			t.Errorf("%+v, %v", u, err)
		}
		// One that is remembered for its event ids alone has no connection either.
		_, err = n.Publish(context.Background(), "acme", Target{Users: []string{"ann"}}, jsonEvent(t, "id", 1))
		if err != nil {
			t.Fatal(err)
		}
		if count, err := n.DisconnectUser(context.Background(), "acme", "ann", 0, ""); err != nil || count != 1 {
			t.Errorf("disconnected %d, %v", count, err)
		}
		synctest.Wait()
		if _, err := n.User(context.Background(), "acme", "ann"); reasonOf(err) != protocol.NotFound {
			t.Errorf("after: %v", err)
		}
		count, err := n.DisconnectUser(context.Background(), "acme", "ann", 0, "")
		if reasonOf(err) != protocol.NotFound {
			t.Errorf("disconnected %d without connections, %v", count, err)
		}
	})
}
