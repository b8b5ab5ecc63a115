package limit

import (
	"fmt"
	"testing"
)

func TestMeterTable_TheUsersAndAddressesItRemembersAreBounded(t *testing.T) {
	table := newMeterTable()
	for i := range 2 * maxMeters {
		table.of(fmt.Sprint(i))
	}
	if got := table.keys.Len(); got != maxMeters {
		t.Errorf("%d are kept", got)
	}
	if first, again := table.of("x"), table.of("x"); first != again {
		t.Error("one user has two meters")
	}
}
