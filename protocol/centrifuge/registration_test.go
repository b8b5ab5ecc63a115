package centrifuge

import (
	"bytes"
	"testing"
)

func TestClient_ConnectsSubscribesAndAnswersPings(t *testing.T) {
	frames, err := subscribe("", []string{"a", "b"})
	frames = append(connect("T"), frames...)
	const want = `{"id":1,"connect":{"token":"T"}}` + "\n" + `{"id":2,"subscribe":{"channel":"a"}}` + "\n" +
		`{"id":3,"subscribe":{"channel":"b"}}`
	if got := string(bytes.Join(frames, []byte("\n"))); got != want || err != nil {
		t.Errorf("got %s %v", got, err)
	}
	if in, err := admitted([]byte(`{"id":1,"connect":{"client":"ws-1"}}`)); !in || err != nil {
		t.Errorf("connect: %v %v", in, err)
	}
	if in, err := admitted([]byte("{}")); in || err != nil {
		t.Errorf("ping: %v %v", in, err)
	}
	in, err := admitted([]byte(`{"id":1,"error":{"code":109,"message":"token expired"}}`))
	if in || err == nil || err.Error() != "refused: code 109: token expired" {
		t.Errorf("an error: %v %v", in, err)
	}
	if got := string(pong([]byte("{}"))); got != "{}" || pong([]byte(`{"push":{}}`)) != nil {
		t.Errorf("pong %s", got)
	}
}
