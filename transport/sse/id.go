package sse

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-realtime/parley/protocol"
)

// An id is epoch:offset for each topic of the stream, with commas between them; "-" is a topic of which the client has
// no position yet.

const (
	maxID     = 8 << 10 // bytes
	maxEpoch  = 64      // bytes
	unknownID = "-"
)

// appendPosition appends a position as it stands in an id.
func appendPosition(text []byte, at protocol.Position) []byte {
	if at.Epoch == "" {
		return append(text, unknownID...)
	}
	return strconv.AppendUint(append(append(text, at.Epoch...), ':'), at.Offset, 10)
}

// positionsOf reads an id of a stream with so many topics. An empty one is no position at all. lost says that it is no
// id of such a stream: the client had something that nobody knows.
func positionsOf(id string, topics int) (since []protocol.Position, lost bool) {
	since = make([]protocol.Position, topics)
	if id == "" {
		return since, false
	}
	parts := strings.SplitN(id, ",", topics+1)
	if len(id) > maxID || len(parts) != topics {
		return since, true
	}
	for i, part := range parts {
		at, ok := positionOf(part)
		if !ok {
			return make([]protocol.Position, topics), true
		}
		since[i] = at
	}
	return since, false
}

func positionOf(part string) (at protocol.Position, ok bool) {
	if part == unknownID {
		return at, true
	}
	epoch, digits, _ := strings.Cut(part, ":")
	offset, err := strconv.ParseUint(digits, 10, 64)
	foreign := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '_' && r != '-'
	}
	if err != nil || epoch == "" || len(epoch) > maxEpoch || strings.ContainsFunc(epoch, foreign) {
		return at, false
	}
	return protocol.Position{Epoch: strings.Clone(epoch), Offset: offset}, true
}

// mark begins what is written to a stream of several topics where an id belongs: topic and position follow, in one
// line. No other text begins so.
const mark = '\x00'

func appendMark(text []byte, topic string, at protocol.Position) []byte {
	text = append(append(append(text, mark), topic...), mark)
	return append(appendPosition(text, at), '\n')
}

// positions are where a client of several topics stands, by what was written to it. Its writer owns them.
type positions struct {
	topics []string
	at     []protocol.Position
}

// rewrite puts an id in the place of a mark.
func (p *positions) rewrite(data []byte) []byte {
	if len(data) == 0 || data[0] != mark {
		return data
	}
	line, rest, _ := bytes.Cut(data[1:], []byte{'\n'})
	topic, at, _ := bytes.Cut(line, []byte{mark})
	if i := slices.Index(p.topics, string(topic)); i >= 0 {
		if reached, ok := positionOf(string(at)); ok {
			p.at[i] = reached
		}
	}
	text := append(make([]byte, 0, len(data)+32*len(p.at)), "id: "...)
	for i, at := range p.at {
		if i > 0 {
			text = append(text, ',')
		}
		text = appendPosition(text, at)
	}
	return append(append(text, '\n'), rest...)
}
