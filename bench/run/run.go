// Package run is one measurement: a fresh server of one peer, fresh clients, one case of the suite.
//
// It promises that a figure is a figure only if every event reached every client that it was for, once and in order, no
// client was cut off, and a paced publisher held its rate; a trial that is otherwise says why, and has no figures.
//
// Before it measures, it does the same for a while without counting; in between and at the end it waits until all that was
// published has arrived, so that the deliveries that it counts are those of the processor time that it counts.
package run

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/bench/loadgen"
	"github.com/parley-realtime/parley/bench/process"
	"github.com/parley-realtime/parley/bench/publisher"
	"github.com/parley-realtime/parley/bench/target"
)

// Result is what a trial found.
type Result struct {
	Figures map[Figure]float64 `json:"figures,omitempty"`
	// Failed says why there are no figures.
	Failed string `json:"failed,omitempty"`
}

// Run does a trial. root is the folder of the repository.
func Measure(ctx context.Context, root string, p *target.Target, c *Case) Result {
	figures, err := measure(ctx, root, p, c)
	if err != nil {
		return Result{Failed: err.Error()}
	}
	return Result{Figures: figures}
}

// trial is a measurement under way.
type measurement struct {
	target     *target.Target
	of         *Case
	server     *process.Process
	clients    *loadgen.Generator
	publishers []*publisher.Publisher
	// under counts the events of a phase that publishers have begun to publish.
	inFlight atomic.Int64
	figures  map[Figure]float64
}

func measure(ctx context.Context, root string, p *target.Target, c *Case) (map[Figure]float64, error) {
	t := &measurement{target: p, of: c, figures: map[Figure]float64{}}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(c.threads()))
	tokens, err := t.tokens()
	if err != nil {
		return nil, err
	}
	if t.server, err = process.Start(ctx, p, root); err != nil {
		return nil, err
	}
	defer t.server.Stop()
	alone, err := t.server.Figures()
	if err != nil {
		return nil, err
	}
	if err := t.connect(tokens); err != nil {
		return nil, t.withServerError(err)
	}
	defer t.clients.Close()
	if c.Way == None {
		return t.figures, t.withServerError(t.observeIdle(alone))
	}
	defer t.closePublishers()
	if err := t.startPublishers(ctx); err != nil {
		return nil, t.withServerError(err)
	}
	if _, err := t.load(ctx, c.Warm); err != nil {
		return nil, t.withServerError(fmt.Errorf("while warming up: %w", err))
	}
	return t.figures, t.withServerError(t.measure(ctx))
}

// blame adds what the server said, if it is not there any more.
func (t *measurement) withServerError(err error) error {
	if err == nil {
		return nil
	}
	if _, gone := t.server.Figures(); gone != nil {
		return fmt.Errorf("%w; %w", err, gone)
	}
	return err
}

// tokens signs what the clients will show, so that signing is not in any figure.
func (t *measurement) tokens() ([]string, error) {
	if t.target.Token == nil {
		return nil, nil
	}
	all := make([]string, t.of.Clients+1)
	exp := time.Now().Add(24 * time.Hour).Unix()
	for n := 1; n <= t.of.Clients; n++ {
		token, err := t.target.Token.Sign(&target.Values{N: n, Topic: t.of.topic(n), Exp: exp})
		if err != nil {
			return nil, err
		}
		all[n] = token
	}
	return all, nil
}

// connect brings the clients in.
func (t *measurement) connect(tokens []string) error {
	client := t.target.ClientFor(t.of.Name)
	plan := loadgen.Plan{Address: t.server.Address, Binary: client.Binary, Ready: client.Ready, Stamp: t.target.Stamp, Sequence: t.target.Sequence, Publishers: t.of.publishersPerTopic()}
	for _, a := range client.Answer {
		plan.Answer = append(plan.Answer, loadgen.Answer{When: a.When, Say: a.Say.Fill(&t.server.Words)})
	}
	plan.Client = func(n int) loadgen.ClientPlan { return t.client(client, n, tokens) }
	crowd, err := loadgen.New(plan)
	if err != nil {
		return err
	}
	t.clients = crowd
	began := time.Now()
	if err := crowd.Connect(1, t.of.Clients); err != nil {
		crowd.Close()
		return err
	}
	t.figures[Connects] = float64(t.of.Clients) / time.Since(began).Seconds()
	return nil
}

func (t *measurement) client(client *target.Client, n int, tokens []string) loadgen.ClientPlan {
	w := t.server.Words
	w.N, w.Topic, w.View = n, t.of.topic(n), n%parts
	if tokens != nil {
		w.Token = tokens[n]
	}
	return loadgen.ClientPlan{Path: client.Path.Fill(&w), Header: fill(client.Header, &w), Say: fill(client.Say, &w)}
}

func fill(texts []target.Template, w *target.Values) []string {
	var lines []string
	for i := range texts {
		lines = append(lines, texts[i].Fill(w))
	}
	return lines
}

// watch measures what idle clients cost, after the time of Warm.
func (t *measurement) observeIdle(alone process.Figures) error {
	if err := t.clients.Run(until(t.of.Warm)); err != nil {
		return err
	}
	before, err := t.server.Figures()
	if err != nil {
		return err
	}
	if err := t.clients.Run(until(t.of.For)); err != nil {
		return err
	}
	after, err := t.server.Figures()
	if err != nil {
		return err
	}
	if closed := t.clients.Stats().Closed; closed > 0 {
		return fmt.Errorf("%d clients were cut off", closed)
	}
	t.figures[Memory] = float64(after.Resident-alone.Resident) / 1000 / float64(t.of.Clients)
	t.figures[Idle] = 100 * (after.Processor - before.Processor).Seconds() / t.of.For.Seconds()
	return nil
}

func until(d time.Duration) func() bool {
	end := time.Now().Add(d)
	return func() bool { return time.Now().After(end) }
}

// appoint makes the publishers.
func (t *measurement) startPublishers(ctx context.Context) error {
	for which := range t.of.Publishers {
		plan := publisher.Plan{Call: t.of.call(t.target), Payload: &t.target.Payload, Pad: t.target.Pad, Address: t.server.Address, Words: t.server.Words,
			Targets: t.of.targets(which), Items: t.of.items(), Events: t.of.Way == Batch, Rate: t.of.calls(), Fresh: t.of.Fresh, Room: t.admit}
		if t.of.publishersPerTopic() > 1 {
			plan.Lane = which
		}
		p, err := publisher.New(ctx, plan)
		if err != nil {
			return err
		}
		t.publishers = append(t.publishers, p)
	}
	return nil
}

func (t *measurement) closePublishers() {
	for _, p := range t.publishers {
		p.Close()
	}
}

// room lets a publisher publish if not more than window events are under way. Two that ask at once may make it a few more.
func (t *measurement) admit(events int) bool {
	if t.inFlight.Load()+int64(events)-t.clients.Messages()/t.of.fanOut() > t.of.window() {
		return false
	}
	t.inFlight.Add(int64(events))
	return true
}

// events is how many events were published since the trial began.
func (t *measurement) events() (all int64) {
	for _, p := range t.publishers {
		all += p.Events()
	}
	return all
}
