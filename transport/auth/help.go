package auth

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"cache_entries": "How many verified tokens are remembered until they expire, of all tenants together; about " +
			"400 bytes each. The one not used for longest goes first.",
		"revocations": "How many revocations are remembered, of all tenants together; about 250 bytes each. When " +
			"full, the tenant that has most loses the one not used for longest, with a warning.",
		"revocation_age": "How long a revocation is remembered; keep it above the lifetime of your tokens.",
		"tickets": "How many single-use tickets may wait to be used, of all tenants together; about 300 bytes each. " +
			"When full, the tenant that has most loses its oldest.",
		"signature_checks": "How many signatures of public keys (RS, ES, EdDSA) are checked at once, so that a " +
			"storm of logins leaves processors to deliveries; 0 is half of them, and at least 1. Tenants take turns. " +
			"Tokens with a secret (HS), and those that are remembered, do not wait.",
		"signature_queue": "How many such checks may wait, of all tenants together. When full, the tenant that " +
			"has most loses its last, which gets busy (503 with Retry-After at a handshake).",
		"signature_wait": "How long such a check may wait before its client gets busy; keep it below " +
			"engine.stuck_after.",
		"warn_after": "How many failed authentications of one tenant in a minute make a warning; those after it are " +
			"logged at debug level.",
	}
}
