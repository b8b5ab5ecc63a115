package notify

import (
	"embed"
	"strconv"
	"strings"

	"github.com/parley-realtime/parley/protocol"
)

// Transcripts are the golden transcripts of this dialect.
//
//go:embed transcripts/*.txt
var Transcripts embed.FS

// Path is where clients connect that show a credential.
const Path = "/api/v1/ws"

// Bounds of a connection. Pages send nothing, so there is room for what they might and little for floods.
const (
	frame = 64 << 10 // bytes
	rate  = 100      // messages a second
)

// Dialect is the protocol of notify.
type Dialect struct {
	config Config
	claims protocol.Claims
}

// New returns the dialect.
func New(config Config) *Dialect {
	d := &Dialect{config: config, claims: protocol.Claims{Refuse: []string{"refresh"}}}
	if config.StrictClaims {
		d.claims.Require = []string{"sid", "iss", "aud", "sub", "scope", "iat", "nbf", "exp", "jti"}
	}
	return d
}

var _ protocol.Dialect = (*Dialect)(nil)

// Name implements protocol.Dialect.
func (*Dialect) Name() string { return "notify" }

// Paths implements protocol.Dialect.
func (d *Dialect) Paths() []string {
	if d.config.OpenUserPath {
		return []string{Path, Path + "/", Path + "/{user_id}"}
	}
	return []string{Path, Path + "/"}
}

// Limits implements protocol.Dialect.
func (*Dialect) Limits() protocol.Limits {
	return protocol.Limits{Frame: frame, Rate: rate, Burst: rate}
}

// TicketClaims implements protocol.TicketTaker: the rules are those that hold for the token itself.
func (d *Dialect) TicketClaims() protocol.Claims { return d.claims }

// Open implements protocol.Dialect. The credential is in the query, and one that is not there is refused like one that
// does not hold.
func (d *Dialect) Open(hello protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	credential, refusal := d.credential(hello)
	if refusal != nil {
		return protocol.Opened{}, refusal
	}
	s := &session{}
	if credential.Form == protocol.Token {
		s.shown = credential
	}
	return protocol.Opened{Session: s, Credential: credential}, nil
}

func (d *Dialect) credential(hello protocol.Handshake) (*protocol.Credential, *protocol.Refusal) {
	token, ticket := hello.LastQuery("access_token"), hello.LastQuery("ticket")
	if user := strings.TrimPrefix(strings.TrimPrefix(hello.Path, Path), "/"); user != "" {
		if !d.config.OpenUserPath || !isUser(user) || token != "" || ticket != "" {
			return nil, protocol.Refuse(protocol.Forbidden, "%s/{user_id} wants a whole number and no credential", Path)
		}
		return &protocol.Credential{Form: protocol.Unverified, For: strings.Clone(user)}, nil
	}
	switch {
	case ticket != "":
		return &protocol.Credential{Form: protocol.Ticket, Token: strings.Clone(ticket), Claims: d.claims}, nil
	case token != "":
		return &protocol.Credential{Token: strings.Clone(token), Claims: d.claims}, nil
	}
	return nil, protocol.Refuse(protocol.Forbidden, "%s wants access_token or ticket", Path)
}

// isUser reports whether text is a whole number from 1 to 2^63-1 in its one plain spelling: 07 and +7 would be second
// names of user 7.
func isUser(text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && n > 0 && strconv.FormatInt(n, 10) == text
}
