package airlay

import (
	"bytes"
	"testing"
)

func TestClient_TopicsBecomeAttachments(t *testing.T) {
	frames, err := attachments("T", []string{"issueUpdate/610217e481f6fc54736209e0", "notification"})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"action":"attach","auth":"T","event":{"id":"610217e481f6fc54736209e0","type":"issueUpdate"}},` +
		`{"action":"attach","auth":"T","event":{"type":"notification"}}`
	if got := bytes.Join(frames, []byte(",")); string(got) != want {
		t.Errorf("got %s", got)
	}
	if in, err := admitted([]byte(`{"status":200,"message":"Ok","code":0}`)); !in || err != nil {
		t.Errorf("Ok: %v %v", in, err)
	}
	in, err := admitted([]byte(`{"status":400,"message":"Invalid token","code":2}`))
	if in || err == nil || err.Error() != "refused: code 2: Invalid token" {
		t.Errorf("Invalid token: %v %v", in, err)
	}
	if opening, err := Registration.Dialects[0].Client.Open("T", nil); err != nil || opening.Path != "/ws" ||
		opening.Query != nil {
		t.Errorf("it opens %+v %v", opening, err)
	}
}
