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
func Run(ctx context.Context, root string, p *target.Peer, c *Case) Result {
	figures, err := run(ctx, root, p, c)
	if err != nil {
		return Result{Failed: err.Error()}
	}
	return Result{Figures: figures}
}

// trial is a measurement under way.
type trial struct {
	peer   *target.Peer
	of     *Case
	server *process.Process
	crowd  *loadgen.Swarm
	out    []*publisher.Publisher
	// under counts the events of a phase that publishers have begun to publish.
	under   atomic.Int64
	figures map[Figure]float64
}

func run(ctx context.Context, root string, p *target.Peer, c *Case) (map[Figure]float64, error) {
	t := &trial{peer: p, of: c, figures: map[Figure]float64{}}
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
		return nil, t.blame(err)
	}
	defer t.crowd.Close()
	if c.Way == None {
		return t.figures, t.blame(t.watch(alone))
	}
	defer t.silence()
	if err := t.appoint(ctx); err != nil {
		return nil, t.blame(err)
	}
	if _, err := t.flood(ctx, c.Warm); err != nil {
		return nil, t.blame(fmt.Errorf("while warming up: %w", err))
	}
	return t.figures, t.blame(t.measure(ctx))
}

// blame adds what the server said, if it is not there any more.
func (t *trial) blame(err error) error {
	if err == nil {
		return nil
	}
	if _, gone := t.server.Figures(); gone != nil {
		return fmt.Errorf("%w; %w", err, gone)
	}
	return err
}

// tokens signs what the clients will show, so that signing is not in any figure.
func (t *trial) tokens() ([]string, error) {
	if t.peer.Token == nil {
		return nil, nil
	}
	all := make([]string, t.of.Clients+1)
	exp := time.Now().Add(24 * time.Hour).Unix()
	for n := 1; n <= t.of.Clients; n++ {
		token, err := t.peer.Token.Sign(&target.Words{N: n, Topic: t.of.topic(n), Exp: exp})
		if err != nil {
			return nil, err
		}
		all[n] = token
	}
	return all, nil
}

// connect brings the clients in.
func (t *trial) connect(tokens []string) error {
	client := t.peer.ClientFor(t.of.Name)
	plan := loadgen.Plan{Address: t.server.Address, Binary: client.Binary, Ready: client.Ready, Stamp: t.peer.Stamp, Sequence: t.peer.Sequence, Lanes: t.of.lanes()}
	for _, a := range client.Answer {
		plan.Answer = append(plan.Answer, loadgen.Answer{When: a.When, Say: a.Say.Fill(&t.server.Words)})
	}
	plan.Voice = func(n int) loadgen.Voice { return t.voice(client, n, tokens) }
	crowd, err := loadgen.New(plan)
	if err != nil {
		return err
	}
	t.crowd = crowd
	began := time.Now()
	if err := crowd.Connect(1, t.of.Clients); err != nil {
		crowd.Close()
		return err
	}
	t.figures[Connects] = float64(t.of.Clients) / time.Since(began).Seconds()
	return nil
}

func (t *trial) voice(client *target.Client, n int, tokens []string) loadgen.Voice {
	w := t.server.Words
	w.N, w.Topic, w.View = n, t.of.topic(n), n%parts
	if tokens != nil {
		w.Token = tokens[n]
	}
	return loadgen.Voice{Path: client.Path.Fill(&w), Header: fill(client.Header, &w), Say: fill(client.Say, &w)}
}

func fill(texts []target.Text, w *target.Words) []string {
	var lines []string
	for i := range texts {
		lines = append(lines, texts[i].Fill(w))
	}
	return lines
}

// watch measures what idle clients cost, after the time of Warm.
func (t *trial) watch(alone process.Figures) error {
	if err := t.crowd.Run(until(t.of.Warm)); err != nil {
		return err
	}
	before, err := t.server.Figures()
	if err != nil {
		return err
	}
	if err := t.crowd.Run(until(t.of.For)); err != nil {
		return err
	}
	after, err := t.server.Figures()
	if err != nil {
		return err
	}
	if closed := t.crowd.Figures().Closed; closed > 0 {
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
func (t *trial) appoint(ctx context.Context) error {
	for which := range t.of.Publishers {
		plan := publisher.Plan{Call: t.of.call(t.peer), Payload: &t.peer.Payload, Pad: t.peer.Pad, Address: t.server.Address, Words: t.server.Words,
			Targets: t.of.targets(which), Items: t.of.items(), Events: t.of.Way == Batch, Rate: t.of.calls(), Fresh: t.of.Fresh, Room: t.room}
		if t.of.lanes() > 1 {
			plan.Lane = which
		}
		p, err := publisher.New(ctx, plan)
		if err != nil {
			return err
		}
		t.out = append(t.out, p)
	}
	return nil
}

func (t *trial) silence() {
	for _, p := range t.out {
		p.Close()
	}
}

// room lets a publisher publish if not more than window events are under way. Two that ask at once may make it a few more.
func (t *trial) room(events int) bool {
	if t.under.Load()+int64(events)-t.crowd.Messages()/t.of.fan() > t.of.window() {
		return false
	}
	t.under.Add(int64(events))
	return true
}

// events is how many events were published since the trial began.
func (t *trial) events() (all int64) {
	for _, p := range t.out {
		all += p.Events()
	}
	return all
}
