package config

import "regexp"

// services are the forms of the variables by which Kubernetes and Docker's links tell a container of a Service whose
// name begins with "parley": PARLEY_PORT=tcp://10.0.0.1:8000, PARLEY_AIRLAY_SERVICE_HOST=10.0.0.1.
var services = []*regexp.Regexp{
	ofForm(`PORT(?:_[0-9]+_(?:TCP|UDP|SCTP))?`, `(?:tcp|udp|sctp)://.+:[0-9]+`),
	ofForm(`PORT_[0-9]+_(?:TCP|UDP|SCTP)_PROTO`, `tcp|udp|sctp`),
	ofForm(`SERVICE_HOST|PORT_[0-9]+_(?:TCP|UDP|SCTP)_ADDR`, `[0-9]+(?:\.[0-9]+){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*`),
	ofForm(`SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_[0-9]+_(?:TCP|UDP|SCTP)_PORT`, `[0-9]{1,5}`),
}

func ofForm(name, value string) *regexp.Regexp {
	return regexp.MustCompile(`^PARLEY_(?:[A-Z0-9_]+_)?(?:` + name + `)=(?:` + value + `)$`)
}

// ofService reports whether the platform has set a variable to describe a Service, rather than the user to set
// something. The value decides, since a name such as PARLEY_X_PORT may be a setting of a protocol x.
func ofService(entry string) bool {
	for _, form := range services {
		if form.MatchString(entry) {
			return true
		}
	}
	return false
}
