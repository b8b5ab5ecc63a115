package server

import (
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
	"github.com/parley-realtime/parley/transport/api"
)

// rehearsal plays what a client says to a session, and asks about what the session wants done. It opens no socket.
type rehearsal struct {
	*question
	tenant    string
	dialect   protocol.Dialect
	session   protocol.Session
	connected bool // the login of the connection is not asked about

	entering   bool       // the frames are those of the login
	said       limit.Cost // the frames so far
	ticks      bool       // the session waits for a tick
	identity   *protocol.Identity
	found      bool              // the session asked for the topic of the question
	failed     *decision.Record  // of a subscription that the session asks for beside
	identified bool              // a credential was recorded
	own        bool              // the session asks for the user's own events by a right of their own
	refusal    *protocol.Refusal // the first
}

// login plays the frames with which a client logs in.
func (re *rehearsal) login() {
	re.entering = true
	defer func() { re.entering = false }()
	re.run(re.session.OnOpen(time.Now(), 0))
	switch {
	case re.client.SubscribesFirst:
		frames, _ := re.client.Subscribe(re.token(), nil) // without topics there is nothing to refuse
		re.say(frames)
	case re.client.Login != nil:
		re.say(re.client.Login(re.token()))
	}
	if re.ticks && re.identity == nil && re.refusal == nil {
		re.run(re.session.OnTick(time.Now()))
	}
}

// subscribe plays the login, and the frames that ask for the topic.
func (re *rehearsal) subscribe() *protocol.Refusal {
	if !re.client.SubscribesFirst {
		re.login()
	}
	if re.refusal != nil {
		return re.refusal
	}
	frames, err := re.client.Subscribe(re.token(), []string{re.Target.Topic})
	if err == nil {
		re.say(frames)
	}
	if re.refusal != nil {
		return re.refusal
	}
	if re.own && err == nil && !re.found {
		re.asked.Change(decision.DialectTopics, "the user's own events")
		re.found = true
	}
	if re.found {
		return nil
	}
	re.asked.Text(decision.DialectTopics, re.dialect.Name(), false)
	if err != nil {
		return protocol.Refuse(protocol.Forbidden, "%s", err)
	}
	return protocol.Refuse(protocol.Forbidden, "clients of %s cannot ask for this topic", re.dialect.Name())
}

// ask asks about a subscription that the session wants. One that is refused may make the session end the connection.
func (re *rehearsal) ask(cmd protocol.Subscribe) []protocol.Command {
	asked := &decision.Record{}
	q := actors.SubscribeQuestion{Identity: re.identity, Dialect: re.dialect, Remote: re.address(), Topic: cmd.Topic}
	if cmd.As != nil {
		q.Identity = cmd.As
	}
	err := re.node.AskSubscribe(re.ctx, re.question.tenant, q, asked)
	if re.Action == api.Subscribe && cmd.Topic == re.Target.Topic {
		re.asked.Append(asked)
		re.found, re.refusal = true, err
		return nil
	}
	if err != nil {
		re.failed = asked
	}
	return re.session.Answer(cmd, protocol.Outcome{Now: time.Now(), Err: err})
}

// say gives frames to the session.
func (re *rehearsal) say(frames [][]byte) {
	for _, frame := range frames {
		if re.refusal == nil && re.mayReceive(frame) {
			_, commands := re.session.Receive(time.Now(), protocol.ClientMessage{Data: frame})
			re.run(commands)
		}
	}
}

// mayReceive asks whether one more frame is within the rates of the tenant.
func (re *rehearsal) mayReceive(frame []byte) bool {
	if re.entering && re.connected { // this one came long ago
		return true
	}
	re.said[limit.Messages]++
	re.said[limit.Bytes] += len(frame)
	from := limit.Peer{Address: re.address()}
	if re.identity != nil {
		from.User = re.identity.User
	}
	re.refusal = re.node.AskMessages(re.tenant, from, re.said, re.asked)
	return re.refusal == nil
}

// run does commands as a connection does, as far as they decide something.
func (re *rehearsal) run(commands []protocol.Command) {
	for _, command := range commands {
		if re.refusal != nil {
			return
		}
		re.run(re.do(command))
	}
}

func (re *rehearsal) do(command protocol.Command) []protocol.Command {
	var id *protocol.Identity
	switch cmd := command.(type) {
	case protocol.SwitchDialect:
		re.session, re.dialect = cmd.Session, cmd.Dialect
		if !re.connected {
			re.refusal = re.node.Admit(re.tenant, cmd.Dialect, re.address(), re.asked)
		}
		return nil
	case protocol.SetInterval:
		re.ticks = cmd.Every > 0
		return nil
	case protocol.Subscribe:
		return re.ask(cmd)
	case protocol.SetEventView:
		re.own = re.own || cmd.As != nil
		return nil
	case protocol.Close:
		if re.failed != nil {
			re.asked.Append(re.failed)
		}
		re.asked.Text(decision.DialectRules, cmd.Reason, false)
		re.refusal = protocol.Refuse(protocol.Forbidden, "%s closes the connection with code %d", re.dialect.Name(),
			cmd.Code)
		return nil
	case protocol.Verify:
		id, re.refusal = re.identify(cmd.Credential)
	case protocol.Authenticate:
		if id, re.refusal = re.identify(cmd.Credential); re.refusal == nil && !re.connected {
			re.refusal = re.node.AskLogin(re.ctx, re.tenant, re.dialect, id, re.asked)
		}
		re.identity = id
	default:
		return nil
	}
	if re.refusal != nil {
		return nil
	}
	return re.session.Answer(command, protocol.Outcome{Now: time.Now(), Identity: id})
}

// identify asks who shows a credential: the user of the question, or the verifier says it. A credential that was
// checked before is not recorded again.
func (re *rehearsal) identify(credential protocol.Credential) (*protocol.Identity, *protocol.Refusal) {
	asked := re.asked
	if re.identified {
		asked = &decision.Record{Tenant: asked.Tenant}
	}
	re.identified = true
	if id := re.as(re.tenant); id != nil && credential.Token != "" {
		if !credential.Claims.Known {
			return id, nil
		}
		return id, re.verifier.AskUser(re.ctx, re.question.tenant, id.User, asked)
	}
	id, err := re.verifier.Ask(re.ctx, re.tenant, credential, asked)
	return id, protocol.AsRefusal(err)
}
