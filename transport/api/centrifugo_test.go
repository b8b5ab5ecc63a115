package api

import (
	"testing"

	"github.com/parley-realtime/parley/protocol"
)

// A backend of Centrifugo's shows its key in its own scheme, and reads Centrifugo's answers.
func TestCentrifugo_ABackendPublishesUnchanged(t *testing.T) {
	h := newTestAPI(t, Config{})
	r := request("POST", "/api/publish", `{"channel":"news","data":{"n":1},"idempotency_key":"k"}`)
	r.Header.Set("Authorization", "apikey k1")
	h.do(r).is(200, `{"result":{"epoch":"e1","offset":1}}`)
	if got := h.node.published; len(got) != 1 || got[0].tenant != "acme" || got[0].to.Topic != "news" ||
		got[0].event.Kind != protocol.JSON || got[0].event.ID != "k" || string(got[0].event.Data) != `{"n":1}` {
		t.Errorf("got %+v", got)
	}
	r = request("POST", "/api/publish", `{"channel":"news","data":1}`)
	r.Header.Set("Authorization", "apikey wrong")
	h.do(r).refuses(protocol.InvalidToken)
	h.call("POST", "/api/dance", `{}`).refuses(protocol.NotFound)
	h.call("POST", "/api/publish", `{`).refuses(protocol.Malformed)
	h.call("POST", "/api", `{`).refuses(protocol.Malformed)
}

// Each line of the older form has its answer.
func TestCentrifugo_LinesAreAnsweredInTurn(t *testing.T) {
	h := newTestAPI(t, Config{})
	h.call("POST", "/api", `{"method":"publish","params":{"channel":"news","data":[1]}}`+"\n"+
		`{"method":"dance"}`+"\n").is(200, `{"result":{"epoch":"e1","offset":1}}`+"\n"+
		`{"error":{"code":104,"message":"method not found"}}`)
}
