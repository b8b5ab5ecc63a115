package actors

import (
	"reflect"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

func TestHearing_AChangeThatIsRefusedLeavesTheSubscriptionAsItWas(t *testing.T) {
	owner := &right{of: someone("owner")}
	slowly := protocol.Filter{Every: time.Second}
	for name, before := range map[string]func(*hearing){
		"none":                 func(*hearing) {},
		"of everything":        func(h *hearing) { h.add("room", protocol.Filter{}, nil) },
		"with a filter":        func(h *hearing) { h.add("room", slowly, nil) },
		"by another's right":   func(h *hearing) { h.add("room", slowly, owner) },
		"of another topic":     func(h *hearing) { h.add("hall", slowly, owner) },
		"of a topic below too": func(h *hearing) { h.add("room/1", slowly, nil); h.add("room", slowly, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			was, is := &hearing{}, &hearing{}
			before(was)
			before(is)
			of, _ := is.find("room")
			is.add("room", protocol.Filter{Every: time.Minute}, nil)
			if broken := is.goBack(nil, "room", of, nil); broken != nil {
				t.Fatal(broken)
			}
			if !reflect.DeepEqual(was.interests, is.interests) && len(was.interests)+len(is.interests) > 0 {
				t.Errorf("before %+v, after %+v", was.interests, is.interests)
			}
		})
	}
}
