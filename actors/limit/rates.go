package limit

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Flow bounds what comes in, each with a burst of one second's worth. 0 is no limit; in the settings of a tenant it is what
// holds for all, and -1 is no limit.
type Flow struct {
	Messages   int `yaml:"messages" env:"MESSAGES" envDefault:"0" unit:"messages/s"`
	Bytes      int `yaml:"bytes" env:"BYTES" envDefault:"0" unit:"bytes/s"`
	Subscribes int `yaml:"subscribes" env:"SUBSCRIBES" envDefault:"0" unit:"subscribes/s"`
}

// Help is one line of meaning for each key.
func (Flow) Help() map[string]string {
	return map[string]string{
		"messages": "How many messages may come in per second; for the tenant, publishes of its backends are " +
			"messages too. 0 is no limit; of one tenant it is what rates says, and -1 no limit.",
		"bytes": "How many bytes those may have per second. One that is larger passes, and the next ones " +
			"wait for it. 0 is no limit; of one tenant it is what rates says, and -1 no limit.",
		"subscribes": "How many topics may be subscribed to per second. 0 is no limit; of one tenant it is what " +
			"rates says, and -1 no limit.",
	}
}

// Rates are a Flow and how many may connect.
type Rates struct {
	Flow     `yaml:",inline"`
	Connects int `yaml:"connects" env:"CONNECTS" envDefault:"0" unit:"connects/min"`
}

// Help is one line of meaning for each key.
func (Rates) Help() map[string]string {
	return map[string]string{
		"connects": "How many connections may be opened per minute, all dialects together. 0 is no limit; of one " +
			"tenant it is what rates says, and -1 no limit.",
	}
}

// RateLimits bound what comes in by each connection, and of each user, each address and the tenant as a whole.
type RateLimits struct {
	Connection Flow  `yaml:"connection" envPrefix:"CONNECTION_"`
	User       Rates `yaml:"user" envPrefix:"USER_"`
	Address    Rates `yaml:"address" envPrefix:"ADDRESS_"`
	Tenant     Rates `yaml:"tenant" envPrefix:"TENANT_"`
}

// The kinds of a Load.
const (
	Messages = iota
	Bytes
	Subscribes
	kinds
)

var kindNames = [kinds]string{"messages", "bytes", "subscribes"}

// Load is what comes in at once: messages, bytes and subscribes.
type Load [kinds]int

func (f *Flow) rates() Load { return Load{f.Messages, f.Bytes, f.Subscribes} }

// tooFast is nil if wait is 0.
func tooFast(level string, kind int, rates Load, wait time.Duration) *protocol.Refusal {
	if wait <= 0 {
		return nil
	}
	name := kindNames[kind]
	return tooMany(rates[kind], name+" per second of this "+level+" (rates."+level+"."+name+")", wait)
}

// tooMany refuses what is over a rate, and says when it would be within it.
func tooMany(most int, what string, wait time.Duration) *protocol.Refusal {
	err := protocol.Refuse(protocol.RateLimited, "more than %d %s", most, what)
	err.RetryAfter = wait
	return err
}
