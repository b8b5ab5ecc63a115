package protocol

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Client is how a client of a dialect listens: what parley listen shows, sends and waits for. Its functions are pure
// and may be called at the same time; topics are those that a person has named, none for all that the dialect has.
type Client struct {
	// Open says where the client connects, and what it shows there.
	Open func(token string, topics []string) (Opening, error)
	// Credential is what kind of token Open or Login shows.
	Credential CredentialType
	// Login returns the frames that the client sends first, and again after each Every, 0 for never; nil sends nothing.
	Login func(token string) [][]byte
	Every time.Duration
	// Admitted reads the server's frames in their order until one lets the client in. Its error is the refusal, in the
	// server's words. nil is for a dialect whose handshake lets clients in.
	Admitted func(frame []byte) (bool, error)
	// Subscribe returns the frames that ask for topics, which are sent when the client is in.
	Subscribe func(token string, topics []string) ([][]byte, error)
	// SubscribesFirst says that these frames let the client in, so that they are sent behind Login.
	SubscribesFirst bool
	// Answer returns what the client has to send back at once on a frame, nil for nothing. It is nil for a dialect
	// whose clients may stay silent.
	Answer func(frame []byte) []byte
	// Topics are the first segments of the topics that the client can ask for.
	Topics []string
	// HearsUnasked says that the client hears something without topics, and need not be somebody in particular.
	HearsUnasked bool
	// Tag is the member by whose value the dialect tells its messages apart, "" if it has none. Kinds are the kinds of
	// the events that such a value says; those that it lacks say no event, or one of another kind.
	Tag   string
	Kinds map[string][]Kind
	// ExplainsTokens says that Admitted tells in words what is wrong with a token, rather than that it is refused.
	ExplainsTokens bool
}

// Opening is what a client's handshake has in it. Path may hold escaped characters.
type Opening struct {
	Path   string
	Query  url.Values
	Header map[string]string
}

// OpenAt is Client.Open of a dialect that shows nothing in the handshake.
func OpenAt(path string) func(string, []string) (Opening, error) {
	return func(string, []string) (Opening, error) { return Opening{Path: path}, nil }
}

// NoTopics is Client.Subscribe of a dialect whose clients cannot ask for anything.
func NoTopics(_ string, topics []string) ([][]byte, error) {
	if len(topics) > 0 {
		return nil, fmt.Errorf("this client hears what is sent to its user or to all, and cannot ask for %.100q",
			topics[0])
	}
	return nil, nil
}

// TagOf is the value of a frame's Tag, "" if it has none. A value that is no text is as it stands in the frame.
func (c *Client) TagOf(frame []byte) string {
	members, err := rawjson.ReadObject(frame)
	if err != nil || c.Tag == "" {
		return ""
	}
	value := rawjson.Find(members, c.Tag)
	if text, ok := rawjson.Text(value); ok {
		return text
	}
	return string(value)
}

// Says reports whether a frame says an event of a kind, or has that very tag.
func (c *Client) Says(frame []byte, kind string) bool {
	tag := c.TagOf(frame)
	return tag != "" && (tag == kind || slices.Contains(c.Kinds[tag], Kind(kind)))
}

// Hears reports whether the client can ask for a topic.
func (c *Client) Hears(topic string) bool {
	first, _, _ := strings.Cut(topic, "/")
	return slices.Contains(c.Topics, first)
}
