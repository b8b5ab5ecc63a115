package config

import "regexp"

// services are the forms of the variables by which Kubernetes and Docker's links tell a container of a Service whose name
// begins with "parley": PARLEY_PORT=tcp://10.0.0.1:8000, PARLEY_AIRLAY_SERVICE_HOST=10.0.0.1.
var services = []*regexp.Regexp{
	ofForm(`PORT(?:_[0-9]+_(?:TCP|UDP|SCTP))?`, `(?:tcp|udp|sctp)://.+:[0-9]+`),
	ofForm(`PORT_[0-9]+_(?:TCP|UDP|SCTP)_PROTO`, `tcp|udp|sctp`),
	ofForm(`SERVICE_HOST|PORT_[0-9]+_(?:TCP|UDP|SCTP)_ADDR`, `[0-9]+(?:\.[0-9]+){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*`),
	ofForm(`SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_[0-9]+_(?:TCP|UDP|SCTP)_PORT`, `[0-9]{1,5}`),
}

func ofForm(name, value string) *regexp.Regexp {
	return regexp.MustCompile(`^PARLEY_(?:[A-Z0-9_]+_)?(?:` + name + `)=(?:` + value + `)$`)
}

// ofService reports whether a variable with its value is told by the platform, of a Service, and not by the user, of a
// setting. The value counts, since PARLEY_AIRLAY_PORT=8081 is a setting.
func ofService(entry string) bool {
	for _, form := range services {
		if form.MatchString(entry) {
			return true
		}
	}
	return false
}
