package config

// The lines of meaning for settings whose tags have no room for them, by key.

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"listen":          "Where clients and backends connect.",
		"internal_listen": "Health, metrics and the OpenAPI document; dev mode serves them on listen.",
		"internal_public": "Let internal_listen be an address that is not loopback.",
		"drain": "How long the closing of all connections may take on SIGTERM; a thousand a second are " +
			"told, more if they are too many for that. Keep it, and 5s more, below what the platform waits. 2s in " +
			"dev mode.",
		"data": "Where the server keeps what must survive it: durable topics, certificates.",
		"feed": "Publish lively sample events to every tenant; on in dev mode.",
	}
}

// Help is one line of meaning for each key.
func (Log) Help() map[string]string {
	return map[string]string{
		"format": "One line per event, as JSON or for a person.",
		"level":  "The least that is worth a line.",
	}
}

// Help is one line of meaning for each key.
func (TLS) Help() map[string]string {
	return map[string]string{
		"certificate": "PEM certificate chain for listen; read again on SIGHUP.",
		"key":         "PEM private key of the certificate.",
	}
}

// Help is one line of meaning for each key.
func (ACME) Help() map[string]string {
	return map[string]string{
		"domains":   "Get certificates for these names; accepts the authority's terms.",
		"email":     "Whom the authority may write to.",
		"cache":     "Where certificates are kept; empty for acme below data.",
		"directory": "The authority; empty for Let's Encrypt.",
	}
}

// Help is one line of meaning for each key.
func (Tenant) Help() map[string]string {
	return map[string]string{
		"name":         "Its word in logs, metrics and commands.",
		"hosts":        "Host headers that belong to it, without port; a single tenant needs none.",
		"api_keys":     "Keys of its backends, at least 16 bytes each.",
		"api_key_file": "A file with further API keys, one a line.",
		"issuer":       "The iss that its tokens must have; empty for any.",
		"audience":     "An aud that its tokens must have; empty for any.",
		"leeway":       "How far clocks may differ, at most 30s.",
		"user_claim": "The claims that may name the user, the first that is there wins; a dot goes deeper " +
			"(data.id).",
		"topics":           "What a token without the claim topics may subscribe to.",
		"anonymous_topics": "The same for a client without a token, where a dialect lets one in.",
		"never_expire":     "Accept tokens without exp.",
		"unproven": "Let in clients that show no credential, as the user that they name, where a dialect's " +
			"own setting lets them, too.",
		"users": "The users that exist, where a dialect demands one that is known; left out, introspection is " +
			"asked, and without it whoever has a token exists.",
		"users_file": "A file with further users, one a line.",
		"lobby": "Let in its clients on hosts that are no tenant's, too, as a tenant without hosts does. Where " +
			"several are let in, the key of a token says whose it is.",
		"connections": "Bound of its connections, all dialects together; 0 is none.",
		"linger":      "How long its clients may come back to what they had; 0s is engine.linger, -1s is off.",
	}
}

// Help is one line of meaning for each key.
func (Key) Help() map[string]string {
	return map[string]string{
		"alg":         "The one algorithm of the key; empty for what its kind suggests. A JWKS brings its own.",
		"kid":         "The kid by which tokens name it; empty for tokens without.",
		"issuer":      "The iss that tokens of this key must have; empty for the tenant's.",
		"audience":    "An aud that tokens of this key must have; empty for the tenant's.",
		"secret":      "The secret of an HS key, at least 32 bytes.",
		"secret_file": "A file with that secret; one line break at its end is left out.",
		"public_key_file": "A PEM public key or certificate of an RS, ES or Ed key; with a private key, parley token " +
			"can sign.",
		"jwks_file": "A JSON Web Key Set.",
		"jwks_url": "Where a JSON Web Key Set is published (https, or http on loopback); fetched at the start, as " +
			"its cache headers say, and for an unknown kid.",
	}
}

// Help is one line of meaning for each key.
func (Cookie) Help() map[string]string {
	return map[string]string{
		"secret_keys": "AUTHENTIK_SECRET_KEY, at least 32 bytes: its session cookies are signed with it. Several " +
			"while it is being replaced.",
		"secret_key_file": "A file with one more; one line break at its end is left out.",
		"tokens":          "Let a token of the tenant be the cookie, and keys of the tenant sign session cookies.",
	}
}

// Help is one line of meaning for each key.
func (Outpost) Help() map[string]string {
	return map[string]string{
		"uuid":       "The outpost that may show the token, in lower case with dashes.",
		"token":      "The token (AUTHENTIK_TOKEN of the outpost), at least 16 bytes.",
		"token_file": "A file with that token; one line break at its end is left out.",
		"expires":    "When the token ends, such as 2027-01-31T00:00:00Z; empty for never.",
		"documents": "What it is answered below /api/v3/: a directory of JSON files, such as outposts/radius.json, " +
			"or one JSON object of them by path. A list is given in pages.",
	}
}

// Help is one line of meaning for each key.
func (Lifecycle) Help() map[string]string {
	return map[string]string{
		"topic": "Keep what happens to connections and users in the topic $lifecycle, whose history backends read; " +
			"topic_rules with that pattern say how much, and whether on disk.",
		"events": "What is told, of user_online, user_offline, connected, disconnected, subscribed, unsubscribed; " +
			"empty for all.",
	}
}

// Help is one line of meaning for each key.
func (Topics) Help() map[string]string {
	return map[string]string{
		"durable": "Topics that are kept on disk, in data, unless a rule says where they are kept: a/b, a/*, a* or *.",
		"sync":    "When a durable publish is answered, unless a rule says so: when the disk has it, or before.",
		"slow": "What becomes of a reader that does not keep up with a topic, unless a rule says so: it is " +
			"disconnected, loses the oldest of the topic, or hears only the newest of each key.",
	}
}

// Help is one line of meaning for each key.
func (Listener) Help() map[string]string {
	return map[string]string{
		"address":  "Where clients connect, beside listen.",
		"tenant":   "Whose all connections are; empty for what the Host header says.",
		"dialects": "All that is spoken here; empty for all that are enabled.{alone}",
		"tls":      "Speak TLS, with the certificate of tls.",
	}
}
