package actors

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/parley-realtime/parley/protocol"
)

// Flow bounds what comes in, each with a burst of one second's worth. 0 is no limit; in the settings of a tenant it is what
// holds for all, and -1 is no limit.
type Flow struct {
	Messages   int `yaml:"messages" env:"MESSAGES" envDefault:"0" unit:"messages/s" help:"How many messages may come in per second; for the tenant, publishes of its backends are messages too. 0 is no limit; of one tenant it is what rates says, and -1 no limit."`
	Bytes      int `yaml:"bytes" env:"BYTES" envDefault:"0" unit:"bytes/s" help:"How many bytes those may have per second. One that is larger passes, and the next ones wait for it. 0 is no limit; of one tenant it is what rates says, and -1 no limit."`
	Subscribes int `yaml:"subscribes" env:"SUBSCRIBES" envDefault:"0" unit:"subscribes/s" help:"How many topics may be subscribed to per second. 0 is no limit; of one tenant it is what rates says, and -1 no limit."`
}

// Rates are a Flow and how many may connect.
type Rates struct {
	Flow     `yaml:",inline"`
	Connects int `yaml:"connects" env:"CONNECTS" envDefault:"0" unit:"connects/min" help:"How many connections may be opened per minute, all dialects together. 0 is no limit; of one tenant it is what rates says, and -1 no limit."`
}

// RateLimits bound what comes in by each connection, and of each user, each address and the tenant as a whole.
type RateLimits struct {
	Connection Flow  `yaml:"connection" envPrefix:"CONNECTION_"`
	User       Rates `yaml:"user" envPrefix:"USER_"`
	Address    Rates `yaml:"address" envPrefix:"ADDRESS_"`
	Tenant     Rates `yaml:"tenant" envPrefix:"TENANT_"`
}

// What comes in.
const (
	ofMessages = iota
	ofBytes
	ofSubscribes
	flows
)

var flowNames = [flows]string{"messages", "bytes", "subscribes"}

// load is what comes in at once, as the constants above count it.
type load [flows]int

func (f *Flow) rates() load { return load{f.Messages, f.Bytes, f.Subscribes} }

// meter counts what comes in of one user, address, tenant or connection.
type meter struct {
	mu    sync.Mutex
	spent [flows]allowance
}

// take counts a load if all of it is within the rates; if not, it says of what there is too much, and until when. What
// is larger than a second's worth passes when nothing came before it.
func (m *meter) take(much load, rates load, now int64) (tooMuch int, wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, n := range much {
		if rates[i] <= 0 || n == 0 {
			continue
		}
		if w := m.spent[i].wait(n, rates[i], max(rates[i], n), now); w > wait {
			tooMuch, wait = i, w
		}
	}
	if wait > 0 {
		return tooMuch, wait
	}
	m.charge(much, rates, now)
	return 0, 0
}

// charge counts a load, whatever the rates. The caller holds the lock.
func (m *meter) charge(much load, rates load, now int64) {
	for i, n := range much {
		if rates[i] > 0 && n > 0 {
			m.spent[i].spend(n, rates[i], now)
		}
	}
}

// meters are those of a tenant's users and addresses. Whom they have not seen for long, they forget.
type meters struct {
	mu   sync.Mutex
	keys *simplelru.LRU[string, *meter]
}

// maxMeters bounds the users and addresses that are metered in one tenant.
const maxMeters = 65536

func newMeters() *meters {
	keys, _ := simplelru.NewLRU[string, *meter](maxMeters, nil)
	return &meters{keys: keys}
}

func (ms *meters) of(key string) *meter {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	m, known := ms.keys.Get(key)
	if !known {
		m = &meter{}
		ms.keys.Add(key, m)
	}
	return m
}

// tooFast is nil if wait is 0.
func tooFast(who string, what int, rates load, wait time.Duration) *protocol.Refusal {
	if wait <= 0 {
		return nil
	}
	return tooMany(rates[what], flowNames[what]+" per second of this "+who+" (rates."+who+"."+flowNames[what]+")", wait)
}
