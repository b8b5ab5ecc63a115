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
		"warn_after": "How many failed authentications of one tenant in a minute make a warning; those after it are " +
			"logged at debug level.",
	}
}
