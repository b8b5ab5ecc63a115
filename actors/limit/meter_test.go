package limit

import (
	"fmt"
	"testing"
)

func TestMeterTable_TheUsersAndAddressesItRemembersAreBounded(t *testing.T) {
	ms := newMeterTable()
	for i := range 2 * maxMeters {
		ms.of(fmt.Sprint(i))
	}
	if got := ms.keys.Len(); got != maxMeters {
		t.Errorf("%d are kept", got)
	}
	if first, again := ms.of("x"), ms.of("x"); first != again {
		t.Error("one user has two meters")
	}
}
