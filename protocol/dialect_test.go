package protocol

import (
	"net/url"
	"strings"
	"testing"
)

func TestHello_TellsWhatAClientCallsItself(t *testing.T) {
	for query, want := range map[string]string{
		"": "from-header", "client_id=tab-1": "tab-1", "instance=a&client_id=b": "b", "instance_uuid=u&instance=i": "i",
		"client_id=&instance_uuid=u": "u",
		"client_id=a&client_id=b":    "a", "client_id=%00": "", "client_id=%20a": "",
		"client_id=" + strings.Repeat("x", 256): "", "CLIENT_ID=x": "from-header",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		hello := Handshake{Query: values, Header: func(name string) string {
			if name == "X-Client-ID" {
				return "from-header"
			}
			return ""
		}}
		if got := hello.Client(); got != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
	if got := (&Handshake{}).Client(); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}
