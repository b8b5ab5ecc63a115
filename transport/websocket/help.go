package websocket

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"origins": "Origins of web pages that may connect, and get tickets, beside the server's own host; " +
			"https://*.example.org is all below, null a page without one, * all. Clients without Origin (no " +
			"browsers) may always.",
		"trusted_proxies":   "Proxies whose X-Forwarded-For, X-Forwarded-Host and X-Real-IP are believed.",
		"handshake_timeout": "How long checking a credential and answering a handshake may take.",
		"write_timeout": "How long a peer may take for 16 KiB, or for all that waits if that is less, before it is " +
			"cut off as slow.",
		"close_grace": "How long a closing socket may go on answering what came and writing what waited before its " +
			"close frame is sent.",
		"writers":               "How many goroutines write to sockets; 0 is one for every two CPUs.",
		"compression":           "Offer permessage-deflate, without context takeover.",
		"compression_threshold": "Messages smaller than this are not compressed.",
		"message_limit":         "How large a message from a client may be where its dialect sets no limit.",
		"message_timeout":       "How long a client may take to finish a message.",
		"fragments":             "How many fragments a message may have, beside one for every 4 bytes of it.",
		"control_frames":        "How many pings and pongs a client may send.",
		"max_sockets": "How many sockets may be open; 0 is as many as the limit of file descriptors leaves room for " +
			"(nine tenths of it, or more), which is the most.",
	}
}
