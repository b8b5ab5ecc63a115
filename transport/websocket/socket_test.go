package websocket

import (
	"testing"
	"unsafe"
)

func TestSocket_FieldsOfADeliveryShareACacheLine(t *testing.T) {
	var s socket
	if end := unsafe.Offsetof(s.closing) + unsafe.Sizeof(s.closing); end > 64 || unsafe.Sizeof(s)%64 != 0 {
		t.Errorf("what a delivery reads ends at byte %d of %d; it has to be within 64, in a multiple of 64",
			end, unsafe.Sizeof(s))
	}
}
