// Package message holds what the nodes of a cluster say to each other about topics, each as one frame of a link.
//
// The codec is pure and comes in a pair. Fields are numbers and texts in a fixed order for each kind, so a frame is a
// few bytes longer than its event: the frames of 200-byte events have 30 bytes beside it. A node ignores frames of a
// kind that it does not know, so nodes of two versions can talk (ErrUnknown). It is not protobuf: protoactor remote
// ends the process that gets a type it does not know, and a message to one subscriber would cost as much again.
//
// An event is opaque here: its bytes are those that the publisher's node made.
package message

import (
	"encoding/binary"
	"errors"
)

// Node is the number of a node in its cluster, above 0. Its data directory holds it.
type Node uint64

// Kind says what a message is about, and which fields it has.
type Kind byte

// The kinds. Their numbers are on the wire and never change.
const (
	// Leads says that the sender is the home of a slot in a term. Count is the round that Rejoined answers.
	Leads Kind = 1 + iota
	// Publish gives an event from the node that took it, the origin, to the home. Offset is the lowest number that the
	// origin still awaits an answer to, and Count the one that it awaits before this one, 0 if there is none.
	Publish
	// Answer is the home's answer: the position, and in Count how many connections got the event.
	Answer
	// Event is an event from the home to a node with subscribers.
	Event
	// Confirm says that the event of an offset was delivered to Count connections, and that all before it were.
	Confirm
	// Attach asks for the events of a topic behind a position; with an empty epoch for those to come. Number tells the
	// node's subscription from earlier ones that it has ended.
	Attach
	// Attached says behind which position events follow, with the Number of the Attach. Flag says that some before it
	// are lost.
	Attached
	// Detach says that a node has no subscriber to a topic any more.
	Detach
	// Rejoined says that a node has attached all of its topics of a slot since the Leads of this term and round.
	Rejoined
)

// Message is one message. Fields that its kind does not have are zero.
type Message struct {
	Kind  Kind
	Slot  uint64
	Term  uint64 // of the home's leadership: the fence
	Topic string
	Epoch string
	// Offset is an event's in its epoch, or the last one that somebody has.
	Offset uint64
	// Origin, Start and Number name a publish: its origin, that node's incarnation, and the number that the origin gave
	// it in the slot. Number is a subscription's in Attach and Attached.
	Origin Node
	Start  uint64
	Number uint64
	Count  uint64
	Flag   bool
	Body   []byte // the event
}

// Errors of Decode.
var (
	ErrMalformed = errors.New("a message is malformed")
	ErrUnknown   = errors.New("a message is of a kind that this version does not know")
)

// field is a set of fields, in the order in which they are written.
type field uint16

const (
	topic field = 1 << iota
	epoch
	offset
	origin
	number
	count
	flag
	body
)

// fields are those of each kind, beside Slot and Term.
var fields = [...]field{
	Leads:    count,
	Publish:  topic | offset | number | count | body,
	Answer:   epoch | offset | number | count,
	Event:    topic | epoch | offset | origin | number | body,
	Confirm:  topic | offset | count,
	Attach:   topic | epoch | offset | number,
	Attached: topic | epoch | offset | number | flag,
	Detach:   topic,
	Rejoined: count,
}

// Append encodes the message to the end of b.
func (m *Message) Append(b []byte) []byte {
	has := fields[m.Kind]
	b = append(b, byte(m.Kind))
	b = binary.AppendUvarint(b, m.Slot)
	b = binary.AppendUvarint(b, m.Term)
	b = appendText(b, has, topic, m.Topic)
	b = appendText(b, has, epoch, m.Epoch)
	b = appendNumber(b, has, offset, m.Offset)
	b = appendNumber(b, has, origin, uint64(m.Origin))
	b = appendNumber(b, has, origin, m.Start)
	b = appendNumber(b, has, number, m.Number)
	b = appendNumber(b, has, count, m.Count)
	if has&flag != 0 {
		b = append(b, 0)
		if m.Flag {
			b[len(b)-1] = 1
		}
	}
	if has&body != 0 {
		b = append(b, m.Body...)
	}
	return b
}

// Decode decodes a frame. Body is a part of it; all else is copied. The error is ErrMalformed or ErrUnknown.
func (m *Message) Decode(frame []byte) error {
	if len(frame) == 0 {
		return ErrMalformed
	}
	*m = Message{Kind: Kind(frame[0])}
	if m.Kind == 0 || int(m.Kind) >= len(fields) {
		return ErrUnknown
	}
	r := reader{rest: frame[1:], has: fields[m.Kind]}
	m.Slot, m.Term = r.next(), r.next()
	m.Topic, m.Epoch = r.text(topic), r.text(epoch)
	m.Offset = r.number(offset)
	m.Origin, m.Start = Node(r.number(origin)), r.number(origin)
	m.Number, m.Count = r.number(number), r.number(count)
	m.Flag = r.bool()
	if r.has&body != 0 {
		m.Body, r.rest = r.rest, nil
	}
	if r.failed || len(r.rest) > 0 {
		return ErrMalformed
	}
	return nil
}

func appendText(b []byte, has, f field, text string) []byte {
	if has&f == 0 {
		return b
	}
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendNumber(b []byte, has, f field, n uint64) []byte {
	if has&f == 0 {
		return b
	}
	return binary.AppendUvarint(b, n)
}

// reader decodes the fields that a kind has; the others are zero. Once something is missing it has failed.
type reader struct {
	rest   []byte
	has    field
	failed bool
}

func (r *reader) next() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.rest, r.failed = nil, true
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *reader) number(f field) uint64 {
	if r.has&f == 0 {
		return 0
	}
	return r.next()
}

func (r *reader) text(f field) string {
	n := r.number(f)
	if n > uint64(len(r.rest)) {
		r.rest, r.failed = nil, true
		return ""
	}
	text := string(r.rest[:n])
	r.rest = r.rest[n:]
	return text
}

func (r *reader) bool() bool {
	n := r.number(flag)
	r.failed = r.failed || n > 1
	return n == 1
}
