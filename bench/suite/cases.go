package main

import (
	"time"

	"github.com/parley-realtime/parley/bench/report"
	"github.com/parley-realtime/parley/bench/run"
)

// The figures that the cases are about.
var (
	paced   = []run.Figure{run.Processor, run.Median, run.Tail}
	full    = []run.Figure{run.Deliveries, run.Processor, run.Median, run.Tail}
	logins  = []run.Figure{run.Tail, run.Storm, run.Delay, run.Logins}
	idle    = []run.Figure{run.Connects, run.Memory, run.Idle}
	storm   = []run.Figure{run.Memory, run.Highest, run.Pinged, run.Idle}
	backend = []run.Figure{run.Publishes, run.Processor, run.Tail}
	connect = []run.Figure{run.Connects, run.Connecting}
)

// How long is measured; with five rounds, all of it but the storm, and what connecting takes, has to fit into twelve
// minutes.
const (
	warm = 200 * time.Millisecond
	span = 1000 * time.Millisecond
)

// Why targets take no part that could.
const (
	noTopics = "it has no topics"
	forTime  = "left out so that all takes less than twelve minutes; with -peers it takes part"
)

func forTimeOf(peers ...string) map[string]string {
	without := map[string]string{}
	for _, name := range peers {
		without[name] = forTime
	}
	return without
}

// otherPeers take no part in cases of batching.
var otherPeers = forTimeOf("centrifugo", "gws", "nats", "socketio", "ws")

// cases are those of the suite. Every event has about 160 bytes; every client is a user of its own.
var cases = []run.Case{
	{Name: "fan-1000", Title: "1 topic, 1,000 subscribers, 100 events/s", Clients: 1000, Way: run.Topic, Publishers: 1,
		Rate: 100, Warm: warm, For: span, Shows: paced},
	{Name: "fan-9000", Title: "1 topic, 9,000 subscribers, 10 events/s", Clients: 9000, Way: run.Topic, Publishers: 1,
		Rate: 10, Warm: warm, For: 2 * time.Second, Shows: paced, Without: forTimeOf("nats", "socketio")},
	{Name: "full-1000", Title: "1 topic, 1,000 subscribers, full speed", Clients: 1000, Way: run.Topic, Publishers: 1,
		Warm: warm, For: span, Shows: full},
	{Name: "full-9000", Title: "1 topic, 9,000 subscribers, full speed", Clients: 9000, Way: run.Topic, Publishers: 1,
		Warm: warm, For: span, Shows: full, Without: forTimeOf("nats", "socketio", "ws")},
	{Name: "stream", Title: "1 topic, 10 subscribers, 2,000 events/s", Clients: 10, Way: run.Topic, Publishers: 1,
		Rate: 2000, Warm: warm, For: span, Shows: paced, Without: forTimeOf("gws", "ws")},
	{Name: "topics", Title: "10,000 topics, a subscriber each, 2,000 events/s in turn", Clients: 10000, Own: true,
		Way: run.Topic, Publishers: 2, Rate: 2000, Warm: warm, For: span, Shows: paced,
		Without: map[string]string{"floor": noTopics, "gws": noTopics, "nats": forTime, "ws": forTime}},
	{Name: "users", Title: "10,000 users, 2,000 messages/s to one of them in turn", Clients: 10000, Way: run.User,
		Publishers: 2, Rate: 2000, Warm: warm, For: span, Shows: paced, Without: forTimeOf("nats", "ws")},
	{Name: "views", Title: "telemetry of 50 metrics, 1,000 subscribers with 50 filter views, 50 events/s",
		Clients: 1000, Way: run.Views, Publishers: 1, Rate: 50, Warm: warm, For: span, Shows: paced},
	{Name: "publish-1", Title: "publishes, 1 keep-alive publisher, 10 subscribers", Clients: 10, Way: run.Topic,
		Publishers: 1, Warm: warm, For: span, Shows: backend, Without: forTimeOf("floor", "gws", "nats")},
	{Name: "publish-8", Title: "publishes, 8 keep-alive publishers, 10 subscribers", Clients: 10, Way: run.Topic,
		Publishers: 8, Warm: warm, For: span, Shows: backend, Without: forTimeOf("gws")},
	{Name: "publish-batch", Title: "publishes, 1 keep-alive publisher, batches of 100, 10 subscribers", Clients: 10,
		Way: run.Batch, Publishers: 1, Items: 100, Warm: warm, For: span, Shows: backend},
	{Name: "publish-batch-8", Title: "publishes, 8 keep-alive publishers, batches of 100, 10 subscribers", Clients: 10,
		Way: run.Batch, Publishers: 8, Items: 100, Warm: warm, For: span, Shows: backend},
	{Name: "publish-fresh", Title: "publishes, 8 publishers with a connection for each, 10 subscribers", Clients: 10,
		Way: run.Topic, Publishers: 8, Fresh: true, Warm: warm, For: span, Shows: backend,
		Without: forTimeOf("floor", "gws")},
	{Name: "logins", Title: "1 topic, 1,000 subscribers, 100 events/s, alone and while 5,000 others log in with RS256",
		Clients: 1000, Way: run.Topic, Publishers: 1, Rate: 100, Logins: 5000, Warm: warm, For: 2 * time.Second,
		Shows: logins},
	{Name: "idle", Title: "15,000 clients connect to 1 topic and do nothing", Clients: 15000, Warm: time.Second,
		For: 1500 * time.Millisecond, Shows: idle, Without: forTimeOf("floor", "nats", "socketio")},
	{Name: "idle-own", Title: "15,000 clients connect to a topic each and do nothing", Clients: 15000, Own: true,
		Warm: time.Second, For: 1500 * time.Millisecond,
		Shows: idle, Without: map[string]string{"floor": noTopics, "gws": noTopics, "nats": forTime,
			"socketio": forTime, "ws": forTime}},
	{Name: "batch-fan-1000", Title: "1 topic with a window of 50 ms, 1,000 subscribers, 100 events/s", Clients: 1000,
		Way: run.Topic, Publishers: 1, Rate: 100, Warm: warm, For: span, Shows: paced, Without: otherPeers},
	{Name: "batch-fan-300", Title: "1 topic with a window of 50 ms, 1,000 subscribers, 300 events/s", Clients: 1000,
		Way: run.Topic, Publishers: 1, Rate: 300, Warm: warm, For: span, Shows: paced, Without: otherPeers},
	{Name: "batch-full-1000", Title: "1 topic with a window of 50 ms, 1,000 subscribers, full speed", Clients: 1000,
		Way: run.Topic, Publishers: 1, Warm: warm, For: span, Shows: full, Without: otherPeers},
	{Name: "delay-20", Title: "1,000 subscribers of 50 topics with a write delay of 20 ms, 2 events/s in each topic",
		Clients: 1000, Topics: 50, Way: run.Topic, Publishers: 1, Rate: 100, Warm: warm, For: span, Shows: paced,
		Without: otherPeers},
	{Name: "delay-50", Title: "1,000 subscribers of 50 topics with a write delay of 50 ms, 2 events/s in each topic",
		Clients: 1000, Topics: 50, Way: run.Topic, Publishers: 1, Rate: 100, Warm: warm, For: span, Shows: paced,
		Without: otherPeers},
	{Name: "batch-latest", Title: "1 topic, 1,000 subscribers, 2,000 events/s in batches of 20, the newest every " +
		"100 ms; without batching 10 events/s", Clients: 1000, Way: run.Batch, Publishers: 1, Items: 20, Rate: 2000,
		Latest: true, Singly: map[string]float64{"unbatched": 10}, Warm: warm, For: 2 * span,
		Shows: []run.Figure{run.Server, run.Deliveries, run.Tail}, Without: otherPeers},
	{Name: "storm", Title: "15,000 clients connect, 2,000 at once, and stay for a minute", Clients: 15000, Width: 2000,
		Rounds: 2, Warm: 35 * time.Second, For: 25 * time.Second, Shows: storm,
		Without: forTimeOf("centrifugo", "floor", "gws", "nats", "socketio", "ws")},
	{Name: "storm-tls", Title: "10,000 clients connect at once with TLS 1.3 and stay for a minute", Clients: 10000,
		Secure: true, Rounds: 1, Warm: 35 * time.Second, For: 25 * time.Second, Shows: storm},
	{Name: "fan-1000-tls", Title: "1 topic, 1,000 subscribers with TLS 1.3, 50 events/s", Clients: 1000, Secure: true,
		Way: run.Topic, Publishers: 1, Rate: 50, Warm: warm, For: span, Shows: paced},
	{Name: "fan-1000-deflate", Title: "1 topic, 1,000 subscribers with permessage-deflate, 10 events/s of 2 KB of JSON",
		Clients: 1000, Deflate: true, Way: run.Topic, Publishers: 1, Rate: 10, Pad: 1900, Warm: warm,
		For: 2 * time.Second, Shows: paced},
	{Name: "connect-tls", Title: "3,000 clients connect with TLS 1.3", Clients: 3000, Secure: true,
		Warm: time.Millisecond, For: time.Millisecond, Shows: connect},
	{Name: "connect-tls-resumed", Title: "3,000 clients connect with TLS 1.3 and resume a session", Clients: 3000,
		Secure: true, Resume: true, Warm: time.Millisecond, For: time.Millisecond, Shows: connect},
}

// goals are what Parley is to reach.
var goals = []report.Goal{
	{Case: "fan-1000", Figure: run.Processor, Against: "floor", Bound: 1.0},
	{Case: "fan-1000", Figure: run.Processor, Against: "centrifugo", Bound: 0.7},
	{Case: "fan-9000", Figure: run.Processor, Against: "floor", Bound: 1.2},
	{Case: "fan-9000", Figure: run.Processor, Against: "centrifugo", Bound: 0.45},
	{Case: "full-1000", Figure: run.Processor, Against: "floor", Bound: 0.25},
	{Case: "full-1000", Figure: run.Processor, Against: "centrifugo", Bound: 0.25},
	{Case: "full-1000", Figure: run.Deliveries, Least: true, Bound: 1_000_000},
	{Case: "full-1000", Figure: run.Tail, Against: "centrifugo", Bound: 1.0},
	{Case: "fan-1000", Figure: run.Tail, Against: "floor", Bound: 1.2},
	{Case: "fan-9000", Figure: run.Tail, Against: "floor", Bound: 1.2},
	{Case: "publish-8", Figure: run.Publishes, Against: "centrifugo", Least: true, Bound: 1.5},
	{Case: "publish-8", Figure: run.Publishes, Against: "socketio", Least: true, Bound: 2},
	{Case: "logins", Figure: run.Delay, Bound: 2},
	{Case: "publish-fresh", Figure: run.Publishes, Against: "centrifugo", Least: true, Bound: 1.3},
	{Case: "publish-batch-8", Figure: run.Publishes, Against: "centrifugo", Least: true, Bound: 3},
	{Case: "stream", Figure: run.Processor, Against: "nats", Bound: 1.0},
	{Case: "idle", Figure: run.Memory, Bound: 8},
	{Case: "batch-fan-1000", Figure: run.Processor, Against: "floor", Bound: 0.42},
	{Case: "batch-fan-1000", Figure: run.Processor, Against: "floor-50ms", Bound: 1.12},
	{Case: "batch-fan-1000", Figure: run.Tail, Against: "unbatched", Bound: 2, Plus: 50},
	{Case: "batch-fan-300", Figure: run.Processor, Against: "floor", Bound: 0.25},
	{Case: "batch-fan-300", Figure: run.Processor, Against: "floor-50ms", Bound: 1.25},
	{Case: "batch-full-1000", Figure: run.Deliveries, Against: "unbatched", Least: true, Bound: 1},
	{Case: "batch-full-1000", Figure: run.Tail, Against: "unbatched", Bound: 1.5},
	{Case: "delay-20", Figure: run.Processor, Against: "unbatched", Bound: 0.65},
	{Case: "delay-50", Figure: run.Processor, Against: "unbatched", Bound: 0.4},
	{Case: "batch-latest", Figure: run.Server, Against: "unbatched", Bound: 1.3},
	{Case: "storm", Figure: run.Memory, Bound: 4.5},
	{Case: "storm", Figure: run.Highest, Bound: 7},
	{Case: "storm", Figure: run.Pinged, Bound: 5},
	{Case: "storm", Figure: run.Idle, Bound: 0.3},
	{Case: "storm-tls", Figure: run.Memory, Bound: 8},
	{Case: "storm-tls", Figure: run.Memory, Against: "centrifugo", Bound: 0.3},
	{Case: "storm-tls", Figure: run.Highest, Bound: 12},
	{Case: "fan-1000-tls", Figure: run.Processor, Against: "centrifugo", Bound: 0.6},
	{Case: "fan-1000-deflate", Figure: run.Processor, Against: "centrifugo", Bound: 0.6},
}
