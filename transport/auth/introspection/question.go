package introspection

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
)

// Kind is the subject of a question.
type Kind string

// The kinds of questions.
const (
	Session Kind = "session" // is it alive, and whose is it
	User    Kind = "user"    // does it exist
	Access  Kind = "access"  // may the user hear the topic
	Outpost Kind = "outpost" // is the token that outpost's
)

// Question is one question. A field that its kind does not use is empty. Session and Token are secrets.
type Question struct {
	Kind    Kind   `json:"kind"`
	Tenant  string `json:"tenant"`
	Session string `json:"session,omitempty"`
	User    string `json:"user,omitempty"`
	Topic   string `json:"topic,omitempty"`
	Outpost string `json:"outpost,omitempty"`
	Token   string `json:"token,omitempty"`
}

// String keeps secrets out of logs and messages.
func (q Question) String() string { return "[question about " + string(q.Kind) + "]" }

// GoString keeps secrets out of %#v.
func (q Question) GoString() string { return q.String() }

// body is the question on the wire.
func (q *Question) body() []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(q) // texts can always be encoded
	return b.Bytes()
}

// questionHash stands for a question.
type questionHash [sha256.Size]byte

// hash puts each length first, so that no two questions look alike.
func (q *Question) hash() questionHash {
	var b []byte
	for _, text := range [...]string{string(q.Kind), q.Tenant, q.Session, q.User, q.Topic, q.Outpost, q.Token} {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	return sha256.Sum256(b)
}
