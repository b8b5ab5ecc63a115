package actors

import (
	"reflect"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/protocol"
)

func TestSubscriptions_ARefusedChangeLeavesTheSubscriptionAsItWas(t *testing.T) {
	owner := &grant.Grant{Identity: someone("owner")}
	slowly := protocol.Filter{Every: time.Second}
	for name, before := range map[string]func(*subscriptions){
		"none":                 func(*subscriptions) {},
		"of everything":        func(h *subscriptions) { h.Add("room", protocol.Filter{}, nil) },
		"with a filter":        func(h *subscriptions) { h.Add("room", slowly, nil) },
		"by another's right":   func(h *subscriptions) { h.Add("room", slowly, owner) },
		"of another topic":     func(h *subscriptions) { h.Add("hall", slowly, owner) },
		"of a topic below too": func(h *subscriptions) { h.Add("room/1", slowly, nil); h.Add("room", slowly, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			was, is := &subscriptions{}, &subscriptions{}
			before(was)
			before(is)
			of, _ := is.Find("room")
			is.Add("room", protocol.Filter{Every: time.Minute}, nil)
			if broken := is.rollback(nil, "room", of, nil); broken != nil {
				t.Fatal(broken)
			}
			if !reflect.DeepEqual(was.Subscriptions, is.Subscriptions) &&
				len(was.Subscriptions)+len(is.Subscriptions) > 0 {
				t.Errorf("before %+v, after %+v", was.Subscriptions, is.Subscriptions)
			}
		})
	}
}
