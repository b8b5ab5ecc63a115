package loadgen

import (
	"bytes"
	"time"
)

// answer is an Answer, prepared for the search.
type answer struct {
	when, line []byte
	say        string
}

func compile(plan Plan) []answer {
	var answers []answer
	for _, a := range plan.Answer {
		answers = append(answers, answer{when: []byte(a.When), line: []byte("\n" + a.When), say: a.Say})
	}
	return answers
}

// receive splits data into frames, counts the events in them, and keeps an incomplete frame.
func (g *Generator) receive(fd int, data []byte) error {
	now := time.Now()
	c := &g.clients[fd]
	if c.state == handshaking {
		var err error
		if data, err = g.readHandshake(fd, data); err != nil {
			return err
		}
	}
	count := int64(0)
	for c.state > handshaking {
		op, payload, n, err := next(data)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		data = data[n:]
		found, err := g.handle(fd, op, payload, now.UnixNano())
		if err != nil {
			return err
		}
		count += found
	}
	if c.state != closed {
		c.buffer(data)
	}
	if count > 0 {
		g.stats.Last = now
		g.messages.Add(count)
	}
	return nil
}

// buffer keeps the beginning of an incomplete frame.
func (c *client) buffer(data []byte) {
	if len(data) > 0 {
		c.rest = append(c.rest[:0], data...)
	} else if cap(c.rest) > 0 {
		c.rest = nil
	}
}

// handle handles one frame, and returns how many events are in it.
func (g *Generator) handle(fd int, op byte, payload []byte, now int64) (int64, error) {
	if op&compressed != 0 {
		var err error
		if payload, err = g.inflater.inflate(payload); err != nil {
			return 0, err
		}
		g.stats.Compressed++
	}
	switch op &^ compressed {
	case text, binaries:
		count := g.count(fd, payload, now)
		return count, g.reply(fd, payload)
	case closing:
		return 0, g.lost(fd)
	case ping:
		return 0, g.write(fd, appendFrame(nil, pong, string(payload)))
	}
	return 0, nil
}

// reply marks a client as ready if it was waiting for this message, and answers the message.
func (g *Generator) reply(fd int, payload []byte) error {
	if c := &g.clients[fd]; c.state == subscribing && bytes.Contains(payload, []byte(g.plan.Ready)) {
		g.ready(c)
	}
	for i := range g.answers {
		a := &g.answers[i]
		if bytes.HasPrefix(payload, a.when) || bytes.Contains(payload, a.line) {
			if err := g.send(fd, a.say); err != nil {
				return err
			}
		}
	}
	return nil
}

// count counts the events of a message.
func (g *Generator) count(fd int, payload []byte, now int64) (count int64) {
	for {
		stamp, rest, ok := number(payload, g.stamp)
		if !ok {
			return count
		}
		count++
		_ = g.stats.Latency.RecordValue(max(1, min((now-stamp)/1000, 60_000_000)))
		sequence, rest, ok := number(rest, g.sequence)
		if !ok {
			g.stats.Gaps++
			return count
		}
		g.checkOrder(fd, sequence)
		payload = rest
	}
}

// checkOrder compares a sequence number with the one before it of the same series.
func (g *Generator) checkOrder(fd int, sequence int64) {
	lane := int(sequence / SeriesStride)
	if lane >= g.plan.Series {
		g.stats.Gaps++
		return
	}
	last := &g.last[fd*g.plan.Series+lane]
	if next := sequence % SeriesStride; next <= *last || next != *last+1 && !g.plan.Latest {
		g.stats.Gaps++
	}
	*last = sequence % SeriesStride
}
