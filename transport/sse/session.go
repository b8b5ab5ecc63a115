package sse

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// session is one stream. The fields are fixed after Open, but for open.
type session struct {
	topics []string
	since  []protocol.Position // where the client stands in each topic; zero is at its end
	lost   bool                // the client showed an id that is none of ours
	retry  time.Duration
	origin string // of the page that asked, which the node has let in; "" for none
	open   bool   // the head is written
}

// Authorize implements websocket.StreamSession.
func (s *session) Authorize(id *protocol.Identity) *protocol.Refusal {
	for _, topic := range s.topics {
		if !id.May(topic) {
			return protocol.Refuse(protocol.Forbidden, "the token does not allow the topic %s", protocol.Quote(topic))
		}
	}
	return nil
}

// Rewriter implements websocket.StreamSession.
func (s *session) Rewriter() func([]byte) []byte {
	if len(s.topics) == 1 {
		return nil
	}
	return (&positions{s.topics, slices.Clone(s.since)}).rewrite
}

// OnOpen implements protocol.Session.
func (s *session) OnOpen(now time.Time, _ uint64) []protocol.Command {
	s.open = true
	text := s.appendHead(nil, now, http.StatusOK)
	text = append(text, "Content-Type: text/event-stream; charset=utf-8\r\nX-Accel-Buffering: no\r\n\r\n"...)
	text = fmt.Appendf(text, "retry: %d\n\n", s.retry.Milliseconds())
	all := []protocol.Command{protocol.Send{Text: text}}
	for i, topic := range s.topics {
		if s.lost {
			all = append(all, positionLost(topic))
		}
		all = append(all, s.subscribe(topic, s.since[i]))
	}
	return all
}

func (s *session) subscribe(topic string, since protocol.Position) protocol.Command {
	filter := protocol.Filter{WithPosition: true}
	if len(s.topics) > 1 {
		filter.Label = several
	}
	return protocol.Subscribe{Topic: topic, Filter: filter, Since: since}
}

// positionLost says that events of a topic are missing.
func positionLost(topic string) protocol.Command {
	text := rawjson.AppendText([]byte(`event: position_lost`+"\n"+`data: {"topic":`), topic)
	return protocol.Send{Text: append(text, "}\n\n"...)}
}

// Answer implements protocol.Session.
func (s *session) Answer(command protocol.Command, outcome protocol.Outcome) []protocol.Command {
	asked, ok := command.(protocol.Subscribe)
	switch err := outcome.Err; {
	case !ok:
		return nil
	case err == nil && asked.Since == protocol.Position{} && outcome.Position.Epoch != "":
		return []protocol.Command{protocol.Send{Text: s.appendID(nil, asked.Topic, outcome.Position)}}
	case err == nil: // who resumes has an id already
		return nil
	case err.Reason == protocol.PositionLost:
		return []protocol.Command{positionLost(asked.Topic), s.subscribe(asked.Topic, protocol.Position{})}
	default:
		return protocol.End(err, nil)
	}
}

// appendID appends an id without an event, from which a client goes on that has got none yet.
func (s *session) appendID(text []byte, topic string, at protocol.Position) []byte {
	if len(s.topics) > 1 {
		return append(appendMark(text, topic, at), '\n')
	}
	return append(appendPosition(append(text, "id: "...), at), "\n\n"...)
}

// Receive implements protocol.Session. Nobody calls it: clients say nothing.
func (*session) Receive(time.Time, protocol.ClientMessage) (int, []protocol.Command) { return 0, nil }

// OnTick implements protocol.Session.
func (*session) OnTick(time.Time) []protocol.Command { return nil }

// OnReject implements protocol.Session. Before the stream is open the refusal is an HTTP response; afterwards its
// reason is the last comment. A stream ends also when the right to one of its topics does.
func (s *session) OnReject(now time.Time, err *protocol.Refusal, _ bool) []protocol.Command {
	if s.open {
		return protocol.End(err, nil)
	}
	body := rawjson.AppendText([]byte(`{"error":{"code":`), string(err.Reason))
	body = append(rawjson.AppendText(append(body, `,"message":`...), err.Error()), "}}\n"...)
	status := err.Reason.Status()
	text := s.appendHead(nil, now, status)
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		seconds := math.Ceil(max(err.RetryAfter, s.retry, time.Second).Seconds())
		text = fmt.Appendf(text, "Retry-After: %d\r\n", int(seconds))
	}
	text = fmt.Appendf(text, "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	return []protocol.Command{protocol.Send{Text: text}, protocol.Close{}}
}

// appendHead appends the status line and the fields that every response has.
func (s *session) appendHead(text []byte, now time.Time, status int) []byte {
	text = fmt.Appendf(text, "HTTP/1.1 %d %s\r\nDate: %s\r\n", status, http.StatusText(status),
		now.UTC().Format(http.TimeFormat))
	text = append(text, "Cache-Control: no-store, no-transform\r\nX-Content-Type-Options: nosniff\r\n"+
		"Connection: close\r\nVary: Origin\r\n"...)
	if s.origin != "" {
		text = fmt.Appendf(text, "Access-Control-Allow-Origin: %s\r\n", s.origin)
		text = append(text, "Access-Control-Allow-Credentials: true\r\n"...)
	}
	return text
}
