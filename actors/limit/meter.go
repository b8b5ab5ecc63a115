package limit

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// meter counts the load of one user, address, tenant or connection.
type buckets struct {
	mu    sync.Mutex
	spent [kinds]bucket // by kind of load
}

// take counts a load if all of it is within the rates; if not, it returns the kind of which there is too much, and how
// long to wait. A load that is larger than a second's worth passes when nothing came before it. With asking it counts
// nothing.
func (m *buckets) take(load, rates Cost, now int64, asking bool) (kind int, wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, n := range load {
		if rates[i] <= 0 || n == 0 {
			continue
		}
		if w := m.spent[i].wait(n, rates[i], max(rates[i], n), now); w > wait {
			kind, wait = i, w
		}
	}
	if wait > 0 {
		return kind, wait
	}
	if !asking {
		m.charge(load, rates, now)
	}
	return 0, 0
}

// add counts a load, even beyond the rates.
func (m *buckets) add(load, rates Cost, now int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.charge(load, rates, now)
}

// charge is add with the lock held.
func (m *buckets) charge(load, rates Cost, now int64) {
	for i, n := range load {
		if rates[i] > 0 && n > 0 {
			m.spent[i].spend(n, rates[i], now)
		}
	}
}

// meterTable holds the meters of a tenant's users and addresses. It forgets those not seen for the longest time.
type meterTable struct {
	mu   sync.Mutex
	keys *simplelru.LRU[string, *buckets]
}

// maxMeters bounds the users and addresses that one tenant's table remembers.
const maxMeters = 65536

func newMeterTable() *meterTable {
	keys, _ := simplelru.NewLRU[string, *buckets](maxMeters, nil)
	return &meterTable{keys: keys}
}

// of returns the meter of a key; it makes one if there is none.
func (t *meterTable) of(key string) *buckets {
	t.mu.Lock()
	defer t.mu.Unlock()
	m, known := t.keys.Get(key)
	if !known {
		m = &buckets{}
		t.keys.Add(key, m)
	}
	return m
}
