package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/bench/inproc"
	"github.com/parley-realtime/parley/protocol"
)

// sharedTopic is the topic that many clients subscribe to.
const sharedTopic = "telemetry/1"

// newHarness makes a harness whose clients obey no limit but that of subscriptions, which is the most that can be
// configured.
func newHarness() *inproc.Harness {
	limits := inproc.Limits()
	limits.ConnectionsPerUser, limits.ConnectsPerMinute, limits.MessagesPerSecond = 0, 0, 0
	limits.Subscriptions = 100_000
	return inproc.New(limits)
}

func user(i int) string { return "user-" + strconv.Itoa(i) }

// subscribe is a client's line for topics below telemetry; with no id it is telemetry itself. Options are more members.
func subscribe(ids []string, options string) string { return request("subscribe", ids, options) }

func request(what string, ids []string, options string) string {
	text := `{"type":"` + what + `","channel":"telemetry"`
	for i, id := range ids {
		if i == 0 {
			text += `,"device_id":[`
		} else {
			text += ","
		}
		text += strconv.Quote(id)
	}
	if ids != nil {
		text += "]"
	}
	return text + options + "}"
}

func subscriber(i int) inproc.Entry {
	return inproc.Entry{User: user(i), Lines: []string{subscribe([]string{"1"}, "")}}
}

func plain(i int) inproc.Entry { return inproc.Entry{User: user(i)} }

// telemetry is an event of one device.
func telemetry(device int) *protocol.Event {
	return event(protocol.Telemetry, fmt.Sprintf(`{"device_id":%d,"telemetry":{"load":{"value":1.5,"unit":"%%",`+
		`"timestamp":"2026-11-21T12:00:00Z"}}}`, device))
}

func message() *protocol.Event {
	return event(protocol.Message, `{"level":"info","title":"Hello","message":"You have mail"}`)
}

func event(kind protocol.Kind, data string) *protocol.Event {
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: kind, Data: []byte(data)})
	if err != nil {
		panic(err) // all are constants but for numbers
	}
	return ev
}

// deliver publishes and checks how many took it.
func deliver(c *inproc.Harness, to actors.Target, ev *protocol.Event, want int) error {
	delivered, _, err := c.Deliver(to, ev)
	if err == nil && delivered != want {
		err = fmt.Errorf("a publish reached %d instead of %d", delivered, want)
	}
	return err
}

// timed is the processor time that do takes.
func timed(do func() error) (time.Duration, error) {
	began := processor()
	err := do()
	return processor() - began, err
}
