package protocol

import (
	"cmp"
	"fmt"
	"net/url"
)

// Settings are what one protocol obeys: a pointer to its Config, a struct each of whose fields has the tags yaml, env,
// envDefault, unit and help. A field with the tag reload:"restart" is read at the start alone, all others at each
// reload.
//
// Settings may also be DevSettings, ListenSettings and APISettings.
type Settings interface {
	// On reports whether the protocol is spoken at all.
	On() bool
	// Check says all that is wrong: a *SettingError for each setting, joined by errors.Join; nil if nothing is.
	Check() error
	// Dialects makes dialects that obey the settings as they are now.
	Dialects() []Dialect
}

// DevSettings are settings of which dev mode, on a laptop, has other defaults.
type DevSettings interface {
	Settings
	// Develop turns the defaults into those of dev mode.
	Develop()
}

// ListenSettings give a protocol a listener of its own, by the keys address and port.
type ListenSettings interface {
	Settings
	// Listen returns the listener's host:port, "" for none.
	Listen() string
}

// APISettings are those of a protocol whose clients call the original's HTTP API, below /api/v3/.
type APISettings interface {
	Settings
	// APIPrefix stands before /api/v3/; it does not end with a slash.
	APIPrefix() string
	// UpstreamURL is the original, which answers what this server has no answer for; nil for none.
	UpstreamURL() (*url.URL, error)
}

// ExtraPaths is a Dialect with paths for addresses where it is spoken alone.
type ExtraPaths interface {
	Dialect
	// PathsAlone are paths beside Dialect.Paths.
	PathsAlone() []string
}

// TicketTaker is a Dialect whose clients may show a ticket instead of a token.
type TicketTaker interface {
	Dialect
	// TicketClaims are the rules for a token that is shown for a ticket. A token that breaks them gets none.
	TicketClaims() Claims
}

// SettingError is a setting that cannot be obeyed.
type SettingError struct {
	// Key is the setting's yaml tag.
	Key string
	// Text says what is wrong with it, such as "is 0; it goes from 1 to 9".
	Text string
}

// Error implements error.
func (e *SettingError) Error() string { return e.Key + " " + e.Text }

// CheckRange returns a *SettingError if a value is not between two others, which are allowed themselves.
func CheckRange[T cmp.Ordered](key string, value, from, upTo T) error {
	if value < from || value > upTo {
		return &SettingError{key, fmt.Sprintf("is %v; it goes from %v to %v", value, from, upTo)}
	}
	return nil
}
