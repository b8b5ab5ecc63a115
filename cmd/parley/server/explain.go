package server

import (
	"cmp"
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
	"github.com/parley-realtime/parley/transport/api"
	"github.com/parley-realtime/parley/transport/auth"
)

// explainer answers questions about decisions: it has the parts that decide record the rules that they ask, and says
// where in the configuration those are.
type explainer struct {
	// Static.
	node      *actors.Node
	verifier  *auth.Verifier
	router    *router
	hosts     *hosts
	listeners *listeners
	clients   map[string]*protocol.Client // of dialects, by name
	secure    bool                        // the public address speaks TLS

	provenance atomic.Pointer[config.Provenance]
}

var _ api.Explainer = (*explainer)(nil)

// start gives the explainer the parts of a server.
func (e *explainer) start(s *Server) {
	e.node, e.verifier, e.router, e.hosts, e.listeners = s.node, s.verifier, &s.router, &s.hosts, &s.listeners
	e.secure = s.config.TLS.On()
	e.clients = map[string]*protocol.Client{}
	for i := range s.config.Protocols {
		for _, d := range s.config.Protocols[i].Dialects {
			e.clients[d.Name] = d.Client
		}
	}
	e.provenance.Store(s.config.Provenance())
}

// question is one question while it is being answered.
type question struct {
	*explainer
	api.Question
	ctx     context.Context
	tenant  string
	dialect *dialect
	client  *protocol.Client // of the dialect
	section string           // of the dialect's settings
	asked   *decision.Record
}

// Explain implements api.Explainer.
func (e *explainer) Explain(ctx context.Context, tenant string, q api.Question) (api.Explanation, error) {
	in := question{explainer: e, Question: q, ctx: ctx, tenant: tenant, asked: &decision.Record{Tenant: tenant}}
	if err := in.complete(); err != nil {
		return api.Explanation{}, err
	}
	return in.explanation(in.decide()), nil
}

// decide has the parts that decide answer.
func (q *question) decide() *protocol.Refusal {
	switch q.Action {
	case api.Connect:
		return q.connect()
	case api.Subscribe:
		return q.subscribe()
	case api.Receive:
		return q.receive()
	default:
		return q.publish()
	}
}

// complete finds what the question leaves open, and says what is wrong with the rest.
func (q *question) complete() error {
	if q.Action == api.Receive {
		return nil // the connections say in which dialect
	}
	if q.Connection != "" {
		known, err := q.node.Connection(q.ctx, q.tenant, q.Connection)
		if err != nil {
			return err
		}
		q.Dialect = known.Dialect
	}
	var first *dialect
	for _, name := range q.router.enabledNames() {
		d := q.router.named(name)
		client := q.clients[name]
		switch {
		case q.Dialect != "" || client == nil:
		case first == nil, q.Action == api.Subscribe && client.Hears(q.Target.Topic) && !q.hears(first):
			first = d
		}
	}
	if q.dialect = first; q.Dialect != "" {
		q.dialect = q.router.named(q.Dialect)
	}
	if q.dialect != nil {
		q.client = q.clients[q.dialect.Name()]
	}
	if q.client == nil {
		return protocol.Refuse(protocol.Malformed, "there is no dialect %s whose clients could be asked about",
			protocol.Quote(q.Dialect))
	}
	q.section = q.dialect.Name()
	return nil
}

// hears reports whether clients of a dialect can ask for the topic.
func (q *question) hears(d *dialect) bool {
	client := q.clients[d.Name()]
	return client != nil && client.Hears(q.Target.Topic)
}

// token is what the client shows. A user that is named without one shows a text in its place, which nobody checks.
func (q *question) token() string {
	if q.User != "" {
		return "nobody checks this"
	}
	return q.Token
}

// address is where the client comes from.
func (q *question) address() string { return cmp.Or(q.Address, stranger) }

// as is the identity of a user that is named without a token, where it comes to a tenant or to none; nil where the
// credential says who it is.
func (q *question) as(tenant string) *protocol.Identity {
	if q.User == "" {
		return nil
	}
	return q.verifier.IdentityOf(tenant, q.tenant, q.User)
}

// publish asks about an event of a backend.
func (q *question) publish() *protocol.Refusal {
	return q.node.AskPublish(q.tenant, q.Target, q.Event, q.asked)
}

// explanation puts the answer together.
func (q *question) explanation(refusal *protocol.Refusal) api.Explanation {
	asked := q.asked.Once()
	answer := api.Explanation{Allowed: refusal == nil, Decided: asked.Decided(), Advice: q.advice(refusal)}
	if answer.Allowed {
		answer.Decided = asked.Len() - 1
	}
	provenance := q.provenance.Load()
	for _, step := range asked.Steps() {
		at := provenance.Find(q.tenant, q.section, step.Setting)
		answer.Trail = append(answer.Trail, api.ExplainedRule{Step: step, Setting: at.Key, At: at.At})
	}
	return answer
}

// advice says in words what the outcome is, and what to do about a refusal.
func (q *question) advice(refusal *protocol.Refusal) string {
	if refusal == nil {
		return ""
	}
	words := []string{}
	if refusal.Detail != "" {
		words = append(words, strings.TrimSuffix(refusal.Detail, ".")+".")
	}
	if i := q.asked.Decided(); i >= 0 {
		words = append(words, q.asked.Steps()[i].Rule.Advice())
	}
	if refusal.RetryAfter > 0 {
		words = append(words, "Try again in "+refusal.RetryAfter.Round(time.Millisecond).String()+".")
	}
	return strings.Join(words, " ")
}
