package limit

import (
	"fmt"
	"testing"
	"time"
)

func TestConnectLimiter_TheAddressesAndUsersItRemembersAreBounded(t *testing.T) {
	c := newConnectLimiter()
	now := time.Now()
	for i := range 2 * maxConnectKeys {
		c.take(fmt.Sprint(i), 1, now, false)
	}
	if got := c.keys.Len(); got != maxConnectKeys {
		t.Errorf("%d keys are kept", got)
	}
	c.refund("unknown", now)
	for range 5 { // refunding more than was taken gives no credit beyond the limit
		c.refund("131071", now)
	}
	if _, ok := c.take("131071", 1, now, false); !ok {
		t.Error("a refunded connect cannot be taken again")
	}
	if _, ok := c.take("131071", 1, now, false); ok {
		t.Error("refunds gave more than the limit")
	}
	if _, ok := c.take("131071", 0, now, false); !ok {
		t.Error("0 is not taken as no limit")
	}
}
