package authentik

import (
	"reflect"
	"testing"

	"github.com/parley-realtime/parley/protocol"
)

func TestClients_ShowTheTokenInTheHandshake(t *testing.T) {
	page, outpost := Registration.Dialects[0].Client, Registration.Dialects[1].Client
	want := protocol.Opening{Path: "/ws/client/", Header: map[string]string{"Cookie": "authentik_session=T"}}
	if got, err := page.Open("T", nil); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("a page: %+v %v", got, err)
	}
	want = protocol.Opening{Path: "/ws/outpost/" + one + "/", Header: map[string]string{
		"Authorization": "Bearer T", "User-Agent": "goauthentik.io/outpost/parley"}}
	for _, topic := range []string{one, outposts + one} {
		if got, err := outpost.Open("T", []string{topic}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("an outpost: %+v %v", got, err)
		}
	}
	for _, topics := range [][]string{nil, {"a", "b"}} {
		if got, err := outpost.Open("T", topics); err == nil {
			t.Errorf("outposts %v: %+v", topics, got)
		}
	}
	if _, err := page.Subscribe("T", []string{"alerts"}); err == nil {
		t.Error("a page can ask for a topic")
	}
}
