package firstframe

import (
	"embed"
	"slices"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Transcripts are the golden transcripts of a path that Valtronics and AirLay share.
//
//go:embed transcripts/*.txt
var Transcripts embed.FS

// Candidate is a dialect that can tell by a client's first frame whether it is spoken.
type Candidate interface {
	protocol.Dialect
	// Recognises reports whether a text frame speaks this dialect. It must not keep the frame.
	Recognises(frame []byte) bool
}

// Dialect is what a path speaks before it is decided.
type Dialect struct {
	path       string
	candidates []Candidate
	fallback   int           // among candidates
	patience   time.Duration // for the first frame
}

// New returns the dialect of a path. Candidates are asked in this order; there must be one at least.
func New(config Config, path string, candidates ...Candidate) *Dialect {
	if len(candidates) == 0 {
		panic("firstframe: a path without a dialect")
	}
	d := &Dialect{path: path, candidates: slices.Clone(candidates), patience: config.Timeout}
	if d.patience <= 0 {
		d.patience = DefaultConfig().Timeout
	}
	d.fallback = max(0, slices.IndexFunc(candidates, func(c Candidate) bool { return c.Name() == config.Default }))
	return d
}

var _ protocol.Dialect = (*Dialect)(nil)

// Name implements protocol.Dialect.
func (*Dialect) Name() string { return "shared" }

// Paths implements protocol.Dialect.
func (d *Dialect) Paths() []string { return []string{d.path} }

// Limits implements protocol.Dialect: the largest of the candidates', but for the time until the first frame.
func (d *Dialect) Limits() protocol.Limits {
	most := d.candidates[0].Limits()
	for _, candidate := range d.candidates[1:] {
		limits := candidate.Limits()
		most.Frame = larger(most.Frame, limits.Frame)
		most.Burst = larger(max(most.Rate, most.Burst), max(limits.Rate, limits.Burst))
		most.Rate = larger(most.Rate, limits.Rate)
		most.Unread = max(most.Unread, limits.Unread)
		most.Connections = larger(most.Connections, limits.Connections)
		most.Connects = larger(most.Connects, limits.Connects)
	}
	return protocol.Limits{Frame: most.Frame, Rate: most.Rate, Burst: most.Burst, Login: d.patience,
		Unread: most.Unread, Connections: most.Connections, Connects: most.Connects}
}

// larger is the larger of two limits, of which 0 is the largest.
func larger(a, b int) int {
	if a == 0 || b == 0 {
		return 0
	}
	return max(a, b)
}

// Open implements protocol.Dialect. Each candidate opens a session while the request can be read.
func (d *Dialect) Open(hello protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	s := &session{dialect: d, open: make([]protocol.Session, len(d.candidates)), fallback: -1}
	last := protocol.Refuse(protocol.NotFound, "no dialect answers here")
	for i, candidate := range d.candidates {
		opened, refusal := candidate.Open(hello)
		switch {
		case refusal != nil:
			last = refusal
		case opened.Credential == nil:
			s.open[i] = opened.Session
			if s.fallback < 0 || i == d.fallback {
				s.fallback = i
			}
		}
	}
	if s.fallback < 0 {
		return protocol.Opened{}, last
	}
	return protocol.Opened{Session: s}, nil
}

// Encode implements protocol.Dialect. A client hears nothing before it has logged in.
func (*Dialect) Encode(protocol.Delivery) protocol.Encoded { return protocol.Encoded{} }
