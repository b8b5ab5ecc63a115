// Package run is one measurement: a fresh server of one target, fresh clients, one case of the suite.
//
// It promises that a figure counts only if every event reached every client that it was for, once and in order, the
// server cut off no client, and a paced publisher kept its rate. A run in which that does not hold says why, and has no
// figures.
//
// Before it measures, it does the same for a while without counting; in between and at the end it waits until all that
// was published has arrived, so that the deliveries that it counts are those of the processor time that it counts.
package run

import (
	"context"
	"crypto/tls"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/bench/loadgen"
	"github.com/parley-realtime/parley/bench/process"
	"github.com/parley-realtime/parley/bench/publisher"
	"github.com/parley-realtime/parley/bench/target"
)

// Result is what a run found.
type Result struct {
	Figures map[Figure]float64 `json:"figures,omitempty"`
	// Failed says why there are no figures.
	Failed string `json:"failed,omitempty"`
}

// Measure does a run, which takes seconds, and blocks until the server has ended. root is the root of the repository.
func Measure(ctx context.Context, root string, p *target.Target, c *Case) Result {
	figures, err := measure(ctx, root, p, c)
	if err != nil {
		return Result{Failed: err.Error()}
	}
	return Result{Figures: figures}
}

// measurement is a run under way.
type measurement struct {
	target     *target.Target
	of         *Case
	server     *process.Process
	clients    *loadgen.Generator
	publishers []*publisher.Publisher
	// inFlight counts the events of a phase that publishers have begun to publish.
	inFlight atomic.Int64
	figures  map[Figure]float64
	cert     *certificate // nil without TLS
}

func measure(ctx context.Context, root string, p *target.Target, c *Case) (map[Figure]float64, error) {
	p, c = p.In(c.Name), c.of(p)
	m := &measurement{target: p, of: c, figures: map[Figure]float64{}}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(c.threads()))
	tokens, err := m.tokens()
	if err != nil {
		return nil, err
	}
	logins, err := m.prepareLogins(root)
	if err != nil {
		return nil, err
	}
	if err := m.start(ctx, root); err != nil {
		return nil, err
	}
	defer m.server.Stop()
	alone, err := m.server.Figures()
	if err != nil {
		return nil, err
	}
	if err := m.connect(tokens); err != nil {
		return nil, m.withServerError(err)
	}
	defer m.clients.Close()
	if err := m.connected(alone); err != nil {
		return nil, m.withServerError(err)
	}
	if c.Way == None {
		return m.figures, m.withServerError(m.observeIdle(alone))
	}
	defer m.closePublishers()
	if err := m.startPublishers(ctx); err != nil {
		return nil, m.withServerError(err)
	}
	if _, err := m.load(ctx, c.Warm); err != nil {
		return nil, m.withServerError(fmt.Errorf("while warming up: %w", err))
	}
	err = m.measure(ctx)
	if err == nil && c.Logins > 0 {
		err = m.storm(ctx, logins)
	}
	return m.figures, m.withServerError(err)
}

// start starts the server. A certificate is there until it serves, which has read it by then.
func (m *measurement) start(ctx context.Context, root string) (err error) {
	var files *process.Certificate
	if m.of.Secure {
		if m.cert, err = newCertificate(); err != nil {
			return err
		}
		defer m.cert.remove()
		files = &m.cert.Certificate
	}
	m.server, err = process.Start(ctx, m.target, root, files)
	return err
}

// connected takes the figures of connecting.
func (m *measurement) connected(alone process.Figures) error {
	now, err := m.server.Figures()
	if err != nil {
		return err
	}
	m.figures[Connecting] = (now.Processor - alone.Processor).Seconds() * 1e6 / float64(m.of.Clients)
	// The first clients find no session to resume.
	if resumed := m.clients.Stats().Resumed; m.of.Resume && resumed < m.of.Clients*9/10 {
		return fmt.Errorf("%d of %d clients resumed a session", resumed, m.of.Clients)
	}
	return nil
}

// secure is how clients, or publishers, speak TLS; nil without it.
func (m *measurement) secure(resume bool) *tls.Config {
	if m.cert == nil {
		return nil
	}
	return m.cert.client(resume)
}

// withServerError adds the last output of the server to an error if the server has ended.
func (m *measurement) withServerError(err error) error {
	if err == nil {
		return nil
	}
	if _, gone := m.server.Figures(); gone != nil {
		return fmt.Errorf("%w; %w", err, gone)
	}
	return err
}

// tokens signs the tokens of the clients beforehand, so that no figure contains the signing.
func (m *measurement) tokens() ([]string, error) {
	if m.target.Token == nil {
		return nil, nil
	}
	all := make([]string, m.of.Clients+1)
	exp := time.Now().Add(24 * time.Hour).Unix()
	for n := 1; n <= m.of.Clients; n++ {
		token, err := m.target.Token.Sign(&target.Values{N: n, Topic: m.of.topic(n), Exp: exp})
		if err != nil {
			return nil, err
		}
		all[n] = token
	}
	return all, nil
}

// connect connects the clients.
func (m *measurement) connect(tokens []string) error {
	generator, err := loadgen.New(m.plan(&m.target.Client, tokens))
	if err != nil {
		return err
	}
	m.clients = generator
	began := time.Now()
	if err := generator.Connect(1, m.of.Clients); err != nil {
		generator.Close()
		return err
	}
	m.figures[Connects] = float64(m.of.Clients) / time.Since(began).Seconds()
	return nil
}

// plan is what clients do that show these tokens.
func (m *measurement) plan(client *target.Client, tokens []string) loadgen.Plan {
	plan := loadgen.Plan{Address: m.server.Address, Binary: client.Binary, Ready: client.Ready, Stamp: m.target.Stamp,
		Sequence: m.target.Sequence, Series: m.of.series(), Latest: m.of.Latest,
		Width: m.of.Width, TLS: m.secure(m.of.Resume), Deflate: m.of.Deflate}
	for _, a := range client.Answer {
		plan.Answer = append(plan.Answer, loadgen.Answer{When: a.When, Say: a.Say.Fill(&m.server.Values)})
	}
	plan.Client = func(n int) loadgen.ClientPlan { return m.client(client, n, tokens) }
	return plan
}

func (m *measurement) client(client *target.Client, n int, tokens []string) loadgen.ClientPlan {
	w := m.server.Values
	w.N, w.Topic, w.View = n, m.of.topic(n), n%parts
	if tokens != nil {
		w.Token = tokens[n]
	}
	return loadgen.ClientPlan{Path: client.Path.Fill(&w), Header: fill(client.Header, &w),
		Say: m.of.say(client, w)}
}

// say is what a client sends: a line that has the topic once for each of its topics.
func (c *Case) say(client *target.Client, w target.Values) (lines []string) {
	for i := range client.Say {
		lines = append(lines, client.Say[i].Fill(&w))
		for more := w; more.Topic < c.Topics && client.Say[i].Has("topic"); {
			more.Topic++
			lines = append(lines, client.Say[i].Fill(&more))
		}
	}
	return lines
}

func fill(texts []target.Template, w *target.Values) []string {
	var lines []string
	for i := range texts {
		lines = append(lines, texts[i].Fill(w))
	}
	return lines
}

// observeIdle measures what idle clients cost, after the time of Warm.
func (m *measurement) observeIdle(alone process.Figures) error {
	warming, before, err := m.watch(m.of.Warm)
	if err != nil {
		return err
	}
	during, after, err := m.watch(m.of.For)
	if err != nil {
		return err
	}
	if closed := m.clients.Stats().Closed; closed > 0 {
		return fmt.Errorf("%d clients were cut off", closed)
	}
	each := func(resident int64) float64 {
		return float64(resident-alone.Resident) / 1000 / float64(m.of.Clients)
	}
	m.figures[Memory], m.figures[Pinged] = each(after.Resident), each(during)
	m.figures[Highest] = each(max(warming, during))
	m.figures[Idle] = 100 * (after.Processor - before.Processor).Seconds() / m.of.For.Seconds()
	return nil
}

// look is how long there is between two looks at the server's memory.
const look = 250 * time.Millisecond

// watch has the clients answer for a time. It returns the most memory that the server had meanwhile, in bytes, and its
// figures at the end.
func (m *measurement) watch(during time.Duration) (most int64, last process.Figures, err error) {
	for left := during; left > 0; left -= look {
		if err = m.clients.Run(until(min(left, look))); err != nil {
			return 0, last, err
		}
		if last, err = m.server.Figures(); err != nil {
			return 0, last, err
		}
		most = max(most, last.Resident)
	}
	return most, last, nil
}

func until(d time.Duration) func() bool {
	end := time.Now().Add(d)
	return func() bool { return time.Now().After(end) }
}

// startPublishers makes the publishers.
func (m *measurement) startPublishers(ctx context.Context) error {
	for which := range m.of.Publishers {
		plan := publisher.Plan{Call: m.of.call(m.target), Payload: &m.target.Payload, Pad: m.target.Pad,
			Address: m.server.Address, Values: m.server.Values,
			Targets: m.of.targets(which), Items: m.of.items(), Events: m.of.Way == Batch, Rate: m.of.calls(),
			Fresh: m.of.Fresh, Admit: m.admit, TLS: m.secure(false)}
		if m.of.Pad > 0 {
			plan.Pad, plan.Readings = m.of.Pad, true
		}
		p, err := publisher.New(ctx, plan)
		if err != nil {
			return err
		}
		m.publishers = append(m.publishers, p)
	}
	return nil
}

func (m *measurement) closePublishers() {
	for _, p := range m.publishers {
		p.Close()
	}
}

// admit lets a publisher publish if not more than window events are in flight. Two that ask at once may make it a few
// more.
func (m *measurement) admit(events int) bool {
	if !m.of.Latest && m.inFlight.Load()+int64(events)-m.clients.Messages()/m.of.fanOut() > m.of.window() {
		return false
	}
	m.inFlight.Add(int64(events))
	return true
}

// events is how many events were published since the run began.
func (m *measurement) events() (all int64) {
	for _, p := range m.publishers {
		all += p.Events()
	}
	return all
}
