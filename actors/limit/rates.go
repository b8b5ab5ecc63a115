package limit

import (
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/decision"
)

// Flow bounds what comes in per second, with a burst of one second's worth. 0 is no limit; in the settings of one
// tenant 0 stands for the general value, and -1 is no limit.
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

// Rates are a Flow and a bound on connects.
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

// RateLimits bound what comes in from each connection, each user, each address, and in the tenant as a whole.
type RateLimits struct {
	Connection Flow  `yaml:"connection" envPrefix:"CONNECTION_"`
	User       Rates `yaml:"user" envPrefix:"USER_"`
	Address    Rates `yaml:"address" envPrefix:"ADDRESS_"`
	Tenant     Rates `yaml:"tenant" envPrefix:"TENANT_"`
}

// The kinds of a Cost.
const (
	Messages = iota
	Bytes
	Subscribes
	kinds // how many kinds there are
)

// kindNames are the kinds as settings name them.
var kindNames = [kinds]string{"messages", "bytes", "subscribes"}

// Cost is what comes in at once, or may come in per second: how many of each kind.
type Cost [kinds]int

func (f *Flow) rates() Cost { return Cost{f.Messages, f.Bytes, f.Subscribes} }

// refuseRate refuses a load of which there is too much of one kind at one level; nil if wait is 0.
func refuseRate(
	level string, load Cost, kind int, rates Cost, wait time.Duration, asked *decision.Record,
) *protocol.Refusal {
	for i := 0; asked != nil && i < kinds; i++ {
		if load[i] > 0 && rates[i] > 0 && (wait <= 0 || i == kind) {
			asked.Rate(level, kindNames[i], rates[i], wait <= 0)
		}
	}
	if wait <= 0 {
		return nil
	}
	name := kindNames[kind]
	err := refuseOver(rates[kind], name+" per second of this "+level+" (rates."+level+"."+name+")", wait)
	err.Rule = "rates." + level + "." + name
	return err
}

// refuseOver refuses what is over a rate, and says after which time it would be within it.
func refuseOver(most int, what string, wait time.Duration) *protocol.Refusal {
	err := protocol.Refuse(protocol.RateLimited, "more than %d %s", most, what)
	err.RetryAfter = wait
	return err
}
