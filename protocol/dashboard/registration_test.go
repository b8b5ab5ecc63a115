package dashboard

import "testing"

func TestClient_HearsProjectsAndNothingElse(t *testing.T) {
	if frames, err := checkTopics("", []string{"projects"}); err != nil || frames != nil {
		t.Errorf("projects: %s %v", frames, err)
	}
	if _, err := checkTopics("", []string{"alerts"}); err == nil {
		t.Error("it can ask for alerts")
	}
	if in, err := admitted([]byte(`{"event":"connected","heartbeat_seconds":30}`)); !in || err != nil {
		t.Errorf("connected: %v %v", in, err)
	}
	if in, err := admitted([]byte(`{"event":"error","message":"no"}`)); in || err == nil ||
		err.Error() != "refused: no" {
		t.Errorf("an error: %v %v", in, err)
	}
	if got := showToken("T"); len(got) != 1 || string(got[0]) != `{"token":"T"}` || showToken("") != nil {
		t.Errorf("the login is %s", got)
	}
}
