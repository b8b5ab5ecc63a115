package protocol

import (
	"fmt"
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

func TestHandshake_KnowsThePartsOfItsPathByTheNamesInThePattern(t *testing.T) {
	for _, c := range [][4]string{
		{"/app/{key}", "/app/abc", "key", "abc"}, {"/app/{key}", "/app/abc", "id", ""},
		{"/ws/{a}/x/{b}/", "/ws/1/x/2/", "a", "1"}, {"/ws/{a}/x/{b}/", "/ws/1/x/2/", "b", "2"},
		{"/ws/x", "/ws/x", "x", ""}, {"/{}", "/a", "", "a"}, {"", "", "", ""},
	} {
		if got := (&Handshake{Pattern: c[0], Path: c[1]}).PathValue(c[2]); got != c[3] {
			t.Errorf("%s in %s at %s is %q, want %q", c[2], c[1], c[0], got, c[3])
		}
	}
}

func TestHandshake_OffersTheSubprotocolsOfAllItsLinesInTheirOrder(t *testing.T) {
	lines := []string{"actioncable-v1-json, actioncable-unsupported", " ,b"}
	hello := Handshake{Header: func(string) string { return lines[0] }}
	if got := fmt.Sprint(hello.Subprotocols()); got != "[actioncable-v1-json actioncable-unsupported]" {
		t.Errorf("got %s of one line", got)
	}
	hello.Values = func(string) []string { return lines }
	if got := fmt.Sprint(hello.Subprotocols()); got != "[actioncable-v1-json actioncable-unsupported b]" {
		t.Errorf("got %s of two lines", got)
	}
	hello.Values = func(string) []string { return nil }
	if got := hello.Subprotocols(); got != nil {
		t.Errorf("got %q of no line", got)
	}
}
