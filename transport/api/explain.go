package api

import (
	"context"
	"slices"
	"strconv"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// The actions that can be asked about.
const (
	Connect   = "connect"
	Subscribe = "subscribe"
	Publish   = "publish"
	Receive   = "receive"
)

// Question asks how the server would decide. A field that is "" is left open.
type Question struct {
	Action string
	// User is who acts or receives, or Token what is shown. A publish is the tenant's own, and has neither.
	User, Token string
	// Connection is the id of the connection that acts.
	Connection string
	// Target and Event are of a publish, and of what is received, which is for the user if Target.Topic is "".
	// Target.Topic also is the topic of a subscription.
	Target actors.Target
	Event  *protocol.Event
	// Origin, Address (without port), Dialect and Host are of the handshake.
	Origin, Address, Dialect, Host string
}

// Explanation is the answer to a Question.
type Explanation struct {
	Allowed bool
	Trail   []ExplainedRule
	// Decided is the index in Trail of the rule that decided, -1 if Trail is empty.
	Decided int
	Advice  string
}

// ExplainedRule is a rule that was asked, with the setting that it obeys and where that came from: "parley.yaml:12",
// "environment PARLEY_X", "flag --x" or "default".
type ExplainedRule struct {
	decision.Step
	Setting, At string
}

// Explainer answers questions by the code that decides, and changes nothing. It blocks as what it is asked about does.
// The error is a protocol.Refusal of the question.
type Explainer interface {
	Explain(ctx context.Context, tenant string, q Question) (Explanation, error)
}

// maxQuestion bounds the body of a question beside the event, in bytes.
const maxQuestion = protocol.MaxToken + 8<<10

var questionMembers = []string{"action", "user", "token", "connection", "topic", "event", "origin", "address",
	"dialect", "host", "exclude_connection"}

// explain does POST /api/v1/explain.
func (a *API) explain(ctx context.Context, rc *requestContext) error {
	if err := rc.readBody(min(a.cfg.MaxBody, a.cfg.MaxEvent+maxQuestion), a.cfg.RequestTimeout); err != nil {
		return err
	}
	members, err := parseBody(rc.body, questionMembers)
	if err != nil {
		return err
	}
	q, err := a.readQuestion(members)
	if err != nil {
		return err
	}
	if a.cfg.Explainer == nil {
		return protocol.Refuse(protocol.NotFound, "this server explains nothing")
	}
	answer, err := a.cfg.Explainer.Explain(ctx, rc.tenant, q)
	if err != nil {
		return err
	}
	rc.out = appendExplanation(rc.out, &answer)
	return nil
}

// explainTenant does POST /api/v1/admin/tenants/{tenant}/explain.
func (a *API) explainTenant(ctx context.Context, rc *requestContext) (err error) {
	if rc.tenant, err = rc.nameParam("tenant"); err != nil {
		return err
	}
	if !slices.Contains(a.node.Tenants(), rc.tenant) {
		return protocol.Refuse(protocol.NotFound, "unknown tenant %s", protocol.Quote(rc.tenant))
	}
	return a.explain(ctx, rc)
}

func (a *API) readQuestion(members []rawjson.Member) (q Question, err error) {
	texts := map[string]*string{"action": &q.Action, "token": &q.Token, "connection": &q.Connection,
		"topic": &q.Target.Topic, "exclude_connection": &q.Target.Exclude, "origin": &q.Origin,
		"address": &q.Address, "dialect": &q.Dialect, "host": &q.Host}
	for _, m := range members {
		switch m.Name {
		case "event":
			var input protocol.EventInput
			if input, err = a.readEvent(m.Value); err == nil {
				q.Event, err = protocol.NewEvent(input)
			}
		case "user":
			q.User, err = readUser("user", m.Value)
		default:
			*texts[m.Name], err = readText(m.Name, m.Value)
		}
		if err != nil {
			return q, err
		}
	}
	return q, q.check()
}

// check says what is missing in a question.
func (q *Question) check() error {
	switch {
	case !slices.Contains([]string{Connect, Subscribe, Publish, Receive}, q.Action):
		return protocol.Refuse(protocol.Malformed, "action must be one of connect, subscribe, publish, receive")
	case q.User != "" && q.Token != "" || q.Connection != "" && q.User+q.Token != "":
		return protocol.Refuse(protocol.Malformed, "ask about one of user, token and connection")
	case q.Action == Publish && q.User+q.Token+q.Connection != "":
		return protocol.Refuse(protocol.Malformed, "a publish is asked about as the tenant's own: "+
			"leave out user, token and connection")
	case (q.Action == Publish || q.Action == Receive) && q.Event == nil:
		return protocol.Refuse(protocol.Malformed, `event is missing: {"kind":"...","data":{...}}`)
	case q.Action == Subscribe && q.Target.Topic == "":
		return protocol.Refuse(protocol.Malformed, "topic is missing")
	case q.Action == Subscribe && q.User+q.Token+q.Connection == "":
		return protocol.Refuse(protocol.Malformed, "who subscribes? Name a user, a token or a connection")
	case q.Action == Receive && (q.User+q.Connection == "" || q.Token != ""):
		return protocol.Refuse(protocol.Malformed, "who receives it? Name a user or a connection")
	case q.Action == Receive && q.Target.Topic == "":
		q.Target.Topic = q.Event.HomeTopic()
	case q.Action == Publish && q.Target.Topic == "":
		var err error
		q.Target.Topic, err = homeTopic(q.Event)
		return err
	}
	return nil
}

func appendExplanation(dst []byte, e *Explanation) []byte {
	dst = strconv.AppendBool(append(dst, `{"allowed":`...), e.Allowed)
	dst = append(appendMember(dst, "trail"), '[')
	for i := range e.Trail {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendExplainedRule(append(dst, '{'), &e.Trail[i])
	}
	dst = strconv.AppendInt(appendMember(append(dst, ']'), "decided"), int64(e.Decided), 10)
	return append(appendTextMember(dst, "advice", e.Advice), '}')
}

func appendExplainedRule(dst []byte, r *ExplainedRule) []byte {
	dst = appendTextMember(dst, "rule", r.Rule.String())
	dst = appendTextMember(dst, "setting", r.Setting)
	dst = appendTextMember(dst, "at", r.At)
	dst = appendTextMember(dst, "value", r.Value)
	return append(appendTextMember(dst, "verdict", string(r.Verdict)), '}')
}
