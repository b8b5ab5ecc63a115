package target

import (
	"maps"
	"regexp"
	"slices"
)

// Target is a server under test.
type Target struct {
	Name  string
	About string // one line for the table's legend
	// Needs is an environment variable; without it the target is left out.
	Needs string
	// Dir is where Prepare and Command run; default is the root of the repository.
	Dir string
	// Prepare are commands that run once, before the first measurement.
	Prepare [][]string
	Command []Template
	Env     []Template
	// Secure is what is different with TLS; without it the target takes no part in cases with TLS.
	Secure *Secure
	// Deflate says that the server compresses messages of 512 bytes and more for clients that offer it.
	Deflate bool
	Ready   Ready
	Client  Client
	// Token is what clients authenticate with; nil for nothing.
	Token *Token
	// Login is what clients say that only log in, for cases with logins; nil if the target knows no signed tokens.
	Login   *Login
	Publish Publish
	// Payload is for ${payload} and ${size} of calls.
	Payload Template
	// Pad is how many letters ${pad} has; the default makes {"device_id":1,"t":...,"s":...,"pad":"..."} 160 bytes long.
	Pad int
	// Stamp and Sequence are the texts in front of the time stamp and the sequence number in what a client gets.
	Stamp, Sequence string
	// Cases say what is different in one case of the suite.
	Cases map[string]Difference
	// Variants are further targets, by name, that differ from this one in how their server is started.
	Variants map[string]Variant
	// Only are the cases that a variant takes part in; empty for all.
	Only []string `yaml:"-"`
}

// Secure is what makes the server speak TLS, to clients and backends, with ${certificate} and ${key}.
type Secure struct {
	Env []Template
}

// Difference is what one case changes.
type Difference struct {
	Out string // why the target takes no part
	// Client, Command and Publish replace the target's.
	Client  *Client
	Command []Template
	Publish *Publish
	// Args come behind the target's Command, Env behind its Env.
	Args, Env []Template
}

// Variant is the same target with another start, in some cases of the suite. Target.Cases do not apply to it.
type Variant struct {
	About     string
	Args, Env []Template // as in Difference
	Cases     []string
}

// Ready is how one knows that the server serves: one of the three.
type Ready struct {
	// Line is found in what it prints; its first group is host:port.
	Line string
	// HTTP is a path that answers 200 on 127.0.0.1:${port}.
	HTTP string `yaml:"http"`
	// TCP says that 127.0.0.1:${port} accepts connections.
	TCP  bool `yaml:"tcp"`
	line *regexp.Regexp
}

// Address is the host:port in a line that the server printed, "" if there is none.
func (r *Ready) Address(line string) string {
	if r.line == nil {
		return ""
	}
	if found := r.line.FindStringSubmatch(line); found != nil {
		return found[1]
	}
	return ""
}

// Client is what the clients of the target do.
type Client struct {
	Path   Template
	Header []Template
	// Binary says that lines go out as binary frames.
	Binary bool
	// Say are the lines that each client sends after its handshake.
	Say []Template
	// Ready is in the answer after which a client counts as ready; "" means that the handshake suffices.
	Ready string
	// Answer is what a client sends in reply to messages.
	Answer []Answer
}

// Answer is the reply to a message that begins with When, or that has a line that does.
type Answer struct {
	When string
	Say  Template
}

// Token is a JWT, signed with HS256.
type Token struct {
	Secret string
	Claims Template
}

// Login is a client that logs in with a JWT, signed with RS256 by LoginKey, and does nothing else.
type Login struct {
	Client Client
	Claims Template
}

// Publish are the calls by which a backend publishes; the target cannot do those that are nil.
type Publish struct {
	Topic, User *Call
	// Batch holds several events of one topic in its items.
	Batch *Call
	// Views is one event of a topic whose parts, which clients filter, are its items.
	Views *Call
}

// Call is one publish: over HTTP or, with TCP, as bytes on a long-lived connection on which the server sends no
// answers.
type Call struct {
	Method string // default POST
	Path   Template
	Header []Template
	Body   Template
	// Open, Item, Between and Close are the body of a call with items, instead of Body.
	Open, Item, Between, Close Template
	// Good is in the answer to a publish that was taken; "" says that the status suffices.
	Good string

	TCP bool `yaml:"tcp"`
	// Address is where a TCP call connects; default the clients' address.
	Address Template
	// Hello is what a TCP connection says first; Answer what it says to what it hears (pings).
	Hello  Template
	Answer []Answer
}

// In is the target as it is in a case.
func (p *Target) In(name string) *Target {
	d := p.Cases[name]
	here := *p
	if d.Command != nil {
		here.Command = d.Command
	}
	if d.Client != nil {
		here.Client = *d.Client
	}
	if d.Publish != nil {
		here.Publish = *d.Publish
	}
	return here.with(d.Args, d.Env)
}

// TakesPart reports whether a case is one of those that the target is for.
func (p *Target) TakesPart(name string) bool {
	return len(p.Only) == 0 || slices.Contains(p.Only, name)
}

// with is the target with more arguments and environment.
func (p *Target) with(args, env []Template) *Target {
	c := *p
	c.Command, c.Env = slices.Concat(p.Command, args), slices.Concat(p.Env, env)
	return &c
}

// variants are the target's, by name.
func (p *Target) variants() (all []*Target) {
	for _, name := range slices.Sorted(maps.Keys(p.Variants)) {
		v := p.Variants[name]
		c := p.with(v.Args, v.Env)
		c.Name, c.About, c.Only, c.Cases, c.Variants = name, v.About, v.Cases, nil, nil
		all = append(all, c)
	}
	return all
}
