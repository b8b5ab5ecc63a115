package conformance

import "strings"

// breakage is a rule that the reference can be told to break, and the cases that see it.
type breakage struct {
	rule  string
	cases string // by ID; each of them has the outcome
	seen  Outcome
}

var breakages = []breakage{
	// 0: opening handshake
	{"accept-any-key", "0.14 0.15 0.16 0.17", Fail},
	{"accept-any-upgrade", "0.18 0.19", Fail},
	{"accept-any-connection", "0.20 0.21", Fail},
	{"accept-any-version", "0.22 0.23 0.24 0.25", Fail},
	{"accept-any-method", "0.26 0.27", Fail},
	{"accept-http10", "0.28", Fail},
	{"accept-no-host", "0.29", Fail},
	{"accept-colonless-lines", "0.31", Fail},
	{"accept-nul", "0.32", Fail},
	{"case-sensitive-names", "0.1 0.3", Fail},
	{"case-sensitive-values", "0.4", Fail},
	{"first-connection-line", "0.7", Fail},
	{"padded-values", "0.8", Fail},
	{"wrong-accept", "0.1", Fail},
	{"accept-with-200", "0.1", Fail},
	{"no-upgrade-in-answer", "0.1", Fail},
	{"no-connection-in-answer", "0.1", Fail},
	{"unoffered-subprotocol", "0.13", Fail},
	{"unasked-extension", "0.1", Fail},
	{"accept-any-extension", "0.12", Fail},
	{"refuse-with-500", "0.14 0.18 0.26", Fail},
	{"refuse-in-silence", "0.14 0.18 0.26", Weak},
	{"forget-version", "0.22 0.23 0.24", Weak},
	{"lose-early-frames", "0.38", Weak},
	{"header-flood", "0.33 0.34", Fail},
	{"slow-handshake-forever", "0.35 0.36 0.37", Fail},

	// 1: framing
	{"mask-echoes", "1.1 2.1", Fail},
	{"sixteen-bits-for-125", "1.5", Fail},
	{"long-lengths", "1.6 1.15", Fail},
	{"reserved-bits-in-echoes", "1.1 1.21", Fail},
	{"reserved-opcode-in-echoes", "1.21", Fail},
	{"swap-opcodes", "1.2 1.22", Fail},
	{"cut-125", "1.5", Fail},
	{"cut-65535", "1.15", Fail},
	{"no-empty-echo", "1.1 1.21", Fail},
	{"reorder", "1.42", Fail},
	{"ignore-key-of-ones", "1.43", Fail},
	{"accept-long-lengths", "1.44 1.45 1.46", Weak},
	{"continuation-of-nothing", "1.2", Fail},
	{"message-in-message-echoes", "1.2", Fail},
	{"latin1-echoes", "1.2", Fail},

	// 2: ping and pong
	{"no-pong", "2.1 2.2", Fail},
	{"pong-empty", "2.2", Fail},
	{"pong-cut", "2.6", Fail},
	{"pong-as-ping", "2.2", Fail},
	{"pongs-reversed", "2.19", Fail},
	{"answer-pongs", "2.17", Fail},
	{"close-at-pongs", "2.16 2.17 2.18", Fail},
	{"accept-long-control", "2.10 2.13", Fail},

	// 3 and 4: what is reserved
	{"accept-reserved-bits", "3.1 3.5 3.6 3.7", Fail},
	{"wrong-code-for-bits", "3.1 3.50", Fail},
	{"accept-reserved-opcodes", "4.1 4.2 4.3 4.26", Fail},
	{"drop-at-violations", "3.1 4.1 5.1", Weak},
	{"pong-behind-violations", "3.54 4.57", Fail},

	// 5: fragmentation
	{"accept-fragmented-control", "5.3 5.45 5.46", Fail},
	{"accept-stray-continuation", "5.25 5.26 5.37 5.38", Fail},
	{"accept-message-in-message", "5.28 5.29 5.30", Fail},
	{"no-pong-inside-of-a-message", "5.6 5.15 5.23", Fail},
	{"forget-message", "5.4", Fail},
	{"lose-last-message", "3.51 4.51 4.54 5.39 5.42", Weak},

	// 6: UTF-8
	{"no-utf8", "6.54 6.55", Fail},
	{"utf8-in-each-fragment", "6.3 5.22", Fail},
	{"utf8-in-binary", "6.166", Fail},
	{"utf8-at-the-end", "6.167 6.168 6.169 6.170 6.171", Weak},
	{"wrong-code-for-utf8", "6.54 6.55", Fail},
	{"accept-surrogates", "6.112 6.114", Fail},
	{"refuse-noncharacters", "6.32 6.33", Fail},
	{"strip-byte-order-mark", "6.6", Fail},

	// 7: closing
	{"no-close-reply", "7.1 7.2", Fail},
	{"close-keeps-tcp", "7.1 3.1", Fail},
	{"close-twice", "7.4", Fail},
	{"pong-behind-close", "7.1", Fail},
	{"echo-behind-close", "7.1", Fail},
	{"close-code-1011", "7.10 7.11", Fail},
	{"close-code-1005", "7.1", Fail},
	{"close-code-forgotten", "7.10", Weak},
	{"close-reason-not-utf8", "7.1", Fail},
	{"accept-any-close-code", "7.26 7.29 7.30 7.39", Fail},
	{"accept-close-of-one-byte", "7.40", Fail},
	{"refuse-long-reasons", "7.42 7.43", Fail},
	{"accept-close-reason-not-utf8", "7.45 7.46", Fail},
	{"ignore-half-close", "7.47", Fail},
	{"lose-last-message", "7.48 7.52", Fail},
	{"late-echo", "7.48 7.52", Fail},

	// 9: sizes
	{"ignore-limit", "9.47 9.48 9.49 9.50", Fail},
	{"limit-of-one-frame", "9.49", Fail},
	{"limit-too-low", "9.52", Fail},
	{"wrong-code-for-size", "9.47 9.48", Fail},

	// 12 to 14: permessage-deflate
	{"forget-context", "12.20 12.40 12.80", Fail},
	{"refuse-final-blocks", "12.89", Fail},
	{"end-at-final-block", "12.93", Fail},
	{"rsv1-on-fragments", "12.2", Fail},
	{"keep-context", "13.7", Fail},
	{"ignore-window", "13.22 13.62", Fail},
	{"leave-out-window", "13.24 13.33", Fail},
	{"leave-out-takeover", "13.9", Fail},
	{"unoffered-client-bits", "13.3", Fail},
	{"repeat-parameter", "13.9", Fail},
	{"unknown-parameter", "13.3", Fail},
	{"valued-parameter", "13.9", Fail},
	{"window-of-16", "13.3", Fail},
	{"accept-bad-offer", "13.40 13.42 13.44 13.51 13.53", Fail},
	{"substring-offer", "13.55 13.56 13.57", Fail},
	{"refuse-bad-offers", "13.58", Weak},
	{"first-extension-line", "13.59", Weak},
	{"decline-windows", "13.62 13.68 13.92", Weak},
	{"accept-reserved-bits-compressed", "14.1 14.4", Fail},
	{"accept-rsv1-control", "14.7 14.8 14.9", Fail},
	{"accept-rsv1-continuation", "14.10 14.11", Fail},
	{"echo-garbage", "14.12 14.13 14.14 14.15", Fail},
	{"no-utf8-compressed", "14.16", Fail},
	{"inflate-without-limit", "14.18 14.19 14.20", Fail},

	// 15: hostile clients
	{"accept-unmasked", "15.1 15.3 15.5 15.6 15.7", Fail},
	{"accept-top-bit", "15.8 15.9", Fail},
	{"crash-at-top-bit", "15.8 15.14", Fail},
	{"bound-of-4096-fragments", "15.64", Weak},
	{"stall-others", "15.65", Fail},
}

// rules are the breakages by name.
var rules = func() map[string]bool {
	all := map[string]bool{}
	for _, b := range breakages {
		all[b.rule] = true
	}
	return all
}()

func (b breakage) ids() []string { return strings.Fields(b.cases) }
