package introspection

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"url": "The one address of the tenant's backend that is asked, by POST; empty for nobody. Use https across " +
			"networks.",
		"secret":      "What the backend knows Parley by (Authorization: Bearer), at least 16 bytes.",
		"secret_file": "A file with that secret; one line break at its end is left out.",
		"ask": "What it is asked about: session (of a cookie), user (where a dialect demands a known one), outpost " +
			"(a token not listed in outposts).",
		"topics": "Topics for which it is asked whether the user may hear them, such as datasetUpdate/*; what lies " +
			"above one is asked about, too.",
		"timeout": "How long one try may take; from 10ms to budget.",
		"budget": "How long a question may take with all its tries, at most 9s: an outpost gives a handshake " +
			"10s.",
		"tries":        "How often a question is tried, from 1 to 5.",
		"positive_ttl": "How long a yes is remembered, from 1s to 24h.",
		"negative_ttl": "How long a no is remembered, from 1s to 24h.",
		"cache_entries": "How many answers are remembered, and of each kind, yes and no, that many; about 300 bytes " +
			"each. The one not used for longest goes first.",
		"concurrency": "How many calls may be under way at once, from 1 to 1024; 16 times as many may wait.",
		"failure":     "What holds while the backend does not answer: nobody is let in, or who had a yes within stale.",
		"stale":       "With allow-cached, how long a yes holds after its time, at most 24h.",
	}
}
