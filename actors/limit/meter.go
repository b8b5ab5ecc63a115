package limit

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Meter counts what comes in of one user, address, tenant or connection.
type meter struct {
	mu    sync.Mutex
	spent [kinds]bucket
}

// take counts a load if all of it is within the rates; if not, it says of what there is too much, and until when. A load
// that is larger than a second's worth passes when nothing came before it.
func (m *meter) take(much, rates Load, now int64) (tooMuch int, wait time.Duration) {
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

// add counts a load, whatever the rates.
func (m *meter) add(much, rates Load, now int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.charge(much, rates, now)
}

// charge is add with the lock held.
func (m *meter) charge(much, rates Load, now int64) {
	for i, n := range much {
		if rates[i] > 0 && n > 0 {
			m.spent[i].spend(n, rates[i], now)
		}
	}
}

// meterTable holds the meters of a tenant's users and addresses. It forgets those that it has not seen for long.
type meterTable struct {
	mu   sync.Mutex
	keys *simplelru.LRU[string, *meter]
}

// maxMeters bounds the users and addresses that are metered in one tenant.
const maxMeters = 65536

func newMeterTable() *meterTable {
	keys, _ := simplelru.NewLRU[string, *meter](maxMeters, nil)
	return &meterTable{keys: keys}
}

func (t *meterTable) of(key string) *meter {
	t.mu.Lock()
	defer t.mu.Unlock()
	m, known := t.keys.Get(key)
	if !known {
		m = &meter{}
		t.keys.Add(key, m)
	}
	return m
}
