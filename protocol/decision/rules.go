package decision

// Rule is one reason for which something may be refused.
type Rule uint8

// The rules, in the order in which they are asked.
const (
	none Rule = iota

	// Of a server and its addresses.
	Host
	Path
	Origin
	MaxSockets
	// Of the engine and the tenant.
	Draining
	Suspended
	Restarting
	Memory
	Connections
	DialectConnections
	DialectConnects
	Rate
	// Of the dialect and of those who have not logged in.
	Handshake
	Unauthenticated
	UnauthenticatedPerAddress
	// Of credentials.
	TokenTenant
	TokenForm
	TokenSize
	TokenSyntax
	TokenKey
	TokenBackend
	TokenSignature
	TokenIssuer
	TokenTimes
	TokenExpiry
	TokenNotBefore
	TokenAudience
	TokenPurpose
	TokenClaims
	TokenUser
	TokenID
	TokenTopics
	TokenRevoked
	UserKnown
	// Of a login.
	UserConnects
	UserConnections
	// Of a subscription.
	Login
	DialectTopics
	TopicName
	TopicReserved
	Grant
	Backend
	Subscriptions
	Topics
	TopicRule
	Store
	// Of the dialect's session.
	DialectRules
	// Of a publish.
	Target
	Backpressure
	// Of a delivery to a connection.
	Connected
	Inbox
	Dedup
	Batch
	Subscription
	Filter
	Excluded
	Throttle
	DialectWords
	Slow
	// Of fault injection.
	Fault

	count
)

// rule is what is fixed about a Rule.
type rule struct{ name, setting, advice string }

var table = [count]rule{
	Host: {"host", "tenants[].hosts",
		"Connect to a host of the tenant, list the host in the tenant's hosts, or let it in with lobby."},
	Path: {"path", "dialect.enabled",
		"Enable the dialect, and see which dialects hosts and listeners allow there."},
	Origin: {"origin", "websocket.origins", ""},
	MaxSockets: {"max_sockets", "websocket.max_sockets",
		"Raise websocket.max_sockets and the limit of file descriptors, or add a server."},
	Draining:   {"draining", "", "The server is about to stop; the client comes back by itself."},
	Suspended:  {"suspended", "", "An operator suspended the tenant; POST /api/v1/admin/tenants/TENANT/resume."},
	Restarting: {"restarting", "", "The tenant is being restarted; try again in a moment."},
	Memory: {"memory", "memory.limit",
		"Memory is short and load is shed; give the process more, or lower history and queues."},
	Connections: {"connections", "tenants[].connections",
		"Raise the tenant's connections, or close some."},
	DialectConnections: {"dialect_connections", "dialect.connections",
		"Raise the dialect's connections, or close some."},
	DialectConnects: {"dialect_connects", "dialect.connects_per_minute",
		"Let the client wait longer between its attempts, or raise the dialect's connects_per_minute."},
	Rate:      {"rate", "rates", "Go slower, or raise the rate."},
	Handshake: {"handshake", "", "The dialect refused the request itself; see its chapter for path and parameters."},
	Unauthenticated: {"unauthenticated", "engine.unauthenticated",
		"Too many connections have not logged in; raise engine.unauthenticated, or find who opens them."},
	UnauthenticatedPerAddress: {"unauthenticated_per_address", "engine.unauthenticated_per_address",
		"Too many connections of this address have not logged in; list a proxy in websocket.trusted_proxies."},
	TokenTenant: {"token_tenant", "tenants[].lobby", "The token is of no tenant that is served there."},
	TokenForm:   {"token_form", "", "The tenant or the dialect takes no credential of this kind."},
	TokenSize:   {"token_size", "", "The token is too large; leave claims out of it."},
	TokenSyntax: {"token_syntax", "",
		"It is no JWT in compact form, or its header has what could change how it is checked (jku, jwk, x5u, crit)."},
	TokenKey: {"token_key", "tenants[].keys",
		"None of the tenant's keys has the token's kid and alg; add the key, or sign with one that is there."},
	TokenBackend: {"token_backend", "tenants[].introspection",
		"The tenant's backend or key set could not be asked; see whether it answers."},
	TokenSignature: {"token_signature", "tenants[].keys[#]",
		"The signature does not hold by the key; compare the secret or public key with the issuer's."},
	TokenIssuer: {"token_issuer", "tenants[].issuer", "The claim iss is another; compare it with the setting."},
	TokenTimes: {"token_times", "tenants[].never_expire",
		"exp is missing or exp, nbf or iat is no time in seconds; add exp, or set never_expire."},
	TokenExpiry:    {"token_expiry", "tenants[].leeway", "The token has expired; get a new one, and compare clocks."},
	TokenNotBefore: {"token_not_before", "tenants[].leeway", "nbf lies ahead; wait, and compare the clocks."},
	TokenAudience:  {"token_audience", "tenants[].audience", "The claim aud does not name the audience."},
	TokenPurpose: {"token_purpose", "",
		"The token is for another purpose, such as a refresh token; show an access token."},
	TokenClaims: {"token_claims", "", "The dialect demands a claim that the token does not have."},
	TokenUser: {"token_user", "tenants[].user_claim",
		"The claim that names the user is missing, or is no text or whole number."},
	TokenID: {"token_id", "", "The claim jti is no text or whole number."},
	TokenTopics: {"token_topics", "tenants[].topics",
		"The claim topics is no list of at most 256 patterns (a/b, a/*, a* or *)."},
	TokenRevoked: {"token_revoked", "",
		"The user or the token was revoked; log in anew, or DELETE /api/v1/revoke takes the revocation back."},
	UserKnown: {"user_known", "tenants[].users", "The tenant knows no such user; add it, or ask the backend."},
	UserConnects: {"user_connects", "dialect.connects_per_minute",
		"The user connects too often; let the client wait longer."},
	UserConnections: {"user_connections", "dialect.connections_per_user", "Close one of the user's connections."},
	Login:           {"login", "", "Authenticate before subscribing."},
	DialectTopics:   {"dialect_topics", "", "Clients of this dialect cannot ask for this topic."},
	TopicName:       {"topic_name", "", "Write the topic as a/b: no empty segments, no spaces at ends, no * ? #."},
	TopicReserved:   {"topic_reserved", "", "Topics that begin with $ are the server's own."},
	Grant: {"grant", "tenants[].topics",
		"Add a pattern that covers the topic to the token's claim topics, or to the tenant's topics."},
	Backend: {"backend", "tenants[].introspection",
		"The tenant's backend decides about this topic, and said no or did not answer."},
	Subscriptions: {"subscriptions", "dialect.subscriptions", "Unsubscribe from something, or raise the limit."},
	Topics:        {"topics", "engine.topics", "The tenant has as many topics as it may; raise engine.topics."},
	TopicRule:     {"topic_rule", "rules[#]", ""},
	Store:         {"store", "data", "Durable topics cannot be used now; see /readyz and the log."},
	DialectRules: {"dialect_rules", "",
		"The dialect itself ends such a connection, such as one whose token grants nothing that it can say."},
	Target:       {"target", "", "An event is for exactly one of a topic, users, or all."},
	Backpressure: {"backpressure", "engine.backlog", "Readers do not keep up, so publishers wait; see slow readers."},
	Connected:    {"connected", "", "See why the client left or never came, and let it connect."},
	Inbox:        {"inbox", "engine.inbox_count", ""},
	Dedup: {"dedup", "engine.dedup_age",
		"Give each event an id of its own, or none."},
	Batch:        {"batch", "", ""},
	Subscription: {"subscription", "", "Subscribe to it, or to a topic above it."},
	Filter:       {"filter", "", "Subscribe with another filter."},
	Excluded:     {"excluded", "", "Publish without exclude_connection."},
	Throttle:     {"throttle", "", ""},
	DialectWords: {"dialect_words", "",
		"The dialect has no words for events of this kind, or the client asked for none of them."},
	Fault: {"fault", "", "Somebody injected it (GET /api/v1/faults); DELETE /api/v1/faults/ID ends it."},
	Slow: {"slow", "engine.queue_bytes",
		"The connection reads too slowly and has no room for the event; it would be closed."},
}

// String is the rule's name.
func (r Rule) String() string { return table[r].name }

// Setting is the setting that the rule obeys; "" if it is no setting.
func (r Rule) Setting() string { return table[r].setting }

// Advice says what to do when the rule refuses; "" if nothing can be done.
func (r Rule) Advice() string { return table[r].advice }

// Rules returns all rules.
func Rules() (all []Rule) {
	for r := none + 1; r < count; r++ {
		all = append(all, r)
	}
	return all
}
