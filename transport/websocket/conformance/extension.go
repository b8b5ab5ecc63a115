package conformance

import (
	"slices"
	"strconv"
	"strings"
)

// parameter is one of permessage-deflate's (RFC 7692 section 7.1); a value that is empty is not sent.
type parameter struct{ name, value string }

// offer is permessage-deflate with parameters.
type offer []parameter

const (
	serverNoTakeover = "server_no_context_takeover"
	clientNoTakeover = "client_no_context_takeover"
	serverBits       = "server_max_window_bits"
	clientBits       = "client_max_window_bits"
)

// offering makes an offer of parameters, each written as "name" or "name=value".
func offering(parameters ...string) offer {
	o := offer{}
	for _, p := range parameters {
		name, value, _ := strings.Cut(p, "=")
		o = append(o, parameter{name, value})
	}
	return o
}

func (o offer) String() string {
	text := "permessage-deflate"
	for _, p := range o {
		if text += "; " + p.name; p.value != "" {
			text += "=" + p.value
		}
	}
	return text
}

func offersText(offers []offer) string {
	var all []string
	for _, o := range offers {
		all = append(all, o.String())
	}
	return strings.Join(all, ", ")
}

func (o offer) has(name string) bool {
	return slices.ContainsFunc(o, func(p parameter) bool { return p.name == name })
}

// bits is the value of a window parameter, 15 if there is none.
func (o offer) bits(name string) int {
	for _, p := range o {
		if n, err := strconv.Atoi(p.value); p.name == name && err == nil {
			return n
		}
	}
	return 15
}

// agreed reads an answer and finds an offer that it fits.
func agreed(offers []offer, answer string) (offer, error) {
	chosen, err := parseAnswer(answer)
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, o := range offers {
		problem := misfit(o, chosen)
		if problem == "" {
			return chosen, nil
		}
		problems = append(problems, problem)
	}
	return nil, fail("the answer %q fits no offer: %s", answer, strings.Join(problems, "; "))
}

// parseAnswer reads a Sec-WebSocket-Extensions that accepts permessage-deflate and nothing else.
func parseAnswer(answer string) (offer, error) {
	parts := strings.Split(answer, ";")
	if name := strings.TrimSpace(parts[0]); name != "permessage-deflate" || strings.Contains(answer, ",") {
		return nil, fail("the server accepted what was not offered: %q", answer)
	}
	chosen := offer{}
	for _, part := range parts[1:] {
		name, value, valued := strings.Cut(strings.TrimSpace(part), "=")
		name, value = strings.TrimSpace(name), strings.Trim(strings.TrimSpace(value), `"`)
		if chosen.has(name) {
			return nil, fail("the server repeated %s: %q", name, answer)
		}
		switch name {
		case serverNoTakeover, clientNoTakeover:
			if valued {
				return nil, fail("%s has no value: %q", name, answer)
			}
		case serverBits, clientBits:
			if n, err := strconv.Atoi(value); err != nil || strconv.Itoa(n) != value || n < 8 || n > 15 {
				return nil, fail("%s is not 8 to 15: %q", name, answer)
			}
		default:
			return nil, fail("the server answered with the unknown parameter %s: %q", name, answer)
		}
		chosen = append(chosen, parameter{name, value})
	}
	return chosen, nil
}

// misfit says why an answer does not fit an offer.
func misfit(o, chosen offer) string {
	switch {
	case o.has(serverNoTakeover) && !chosen.has(serverNoTakeover):
		return serverNoTakeover + " was asked for and left out"
	case o.has(serverBits) && chosen.bits(serverBits) > o.bits(serverBits):
		return "the server may use a larger window than it was asked to"
	case chosen.has(clientBits) && !o.has(clientBits):
		return clientBits + " was answered and not offered"
	}
	return ""
}
