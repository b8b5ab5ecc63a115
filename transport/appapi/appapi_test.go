package appapi

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

const (
	key    = "278d425bdf160c739803"
	secret = "7ad3773142a6692b25b8"
)

// theApp is the one app there is.
type theApp struct{}

func (theApp) AppOf(id string) (tenant, of string, ok bool) { return "acme", key, id == "3" }

func (theApp) AppHasSigned(id, text, signature string) bool {
	return id == "3" && signature == sign(text)
}

func sign(text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// fakeNode keeps what it was told.
type fakeNode struct {
	told []string
	err  error
}

func (n *fakeNode) Publish(
	_ context.Context, tenant string, to actors.Target, ev *protocol.Event,
) (actors.Receipt, error) {
	n.told = append(n.told, fmt.Sprintf("%s %s%s -%s %s", tenant, to.Topic, to.Users, to.Exclude, ev.Data))
	return actors.Receipt{}, n.err
}

func (n *fakeNode) Topics(
	_ context.Context, _ string, q actors.TopicQuery,
) (page []actors.TopicInfo, next string, err error) {
	all := []actors.TopicInfo{{Name: "a/b", Subscribers: 1}, {Name: "empty"}, {Name: "news", Subscribers: 3},
		{Name: "presence-a", Subscribers: 2}}
	for _, topic := range all {
		if strings.HasPrefix(topic.Name, q.Prefix) && topic.Name > q.Cursor {
			return []actors.TopicInfo{topic}, topic.Name, n.err // a page has one
		}
	}
	return nil, "", n.err
}

func (n *fakeNode) Present(context.Context, string, string) ([]protocol.Member, error) {
	return []protocol.Member{{ID: "1"}, {ID: "2"}}, n.err
}

func (n *fakeNode) DisconnectUser(_ context.Context, tenant, user string, code uint16, _ string) (int, error) {
	n.told = append(n.told, fmt.Sprint("disconnect ", tenant, " ", user, " ", code))
	return 1, n.err
}

// request is signed as server libraries sign it; change makes it another one behind that.
func request(method, path, query, body string, change func(url.Values)) (status int, answer string, n *fakeNode) {
	values, _ := url.ParseQuery(query)
	values.Set("auth_key", key)
	values.Set("auth_timestamp", fmt.Sprint(time.Now().Unix()))
	values.Set("auth_version", "1.0")
	if body != "" {
		sum := md5.Sum([]byte(body))
		values.Set("body_md5", hex.EncodeToString(sum[:]))
	}
	var pairs []string
	for name := range values {
		pairs = append(pairs, name+"="+values.Get(name))
	}
	slices.Sort(pairs)
	values.Set("auth_signature", sign(method+"\n"+path+"\n"+strings.Join(pairs, "&")))
	if change != nil {
		change(values)
	}
	n = &fakeNode{}
	return send(n, method, path+"?"+values.Encode(), body), lastAnswer, n
}

var lastAnswer string

func send(n *fakeNode, method, target, body string) (status int) {
	w := httptest.NewRecorder()
	New(Config{MaxEvent: 100, MaxBody: 2000, Timeout: time.Minute}, n, theApp{}).
		ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
	lastAnswer = strings.TrimSpace(w.Body.String())
	return w.Code
}

// PSH.60: each part of the signature counts; the values are signed as they are, not escaped.
func TestAdmit_EachRequestIsSigned(t *testing.T) {
	const path = "/apps/3/channels"
	status, answer, _ := request("GET", path, "filter_by_prefix=presence-&info=user_count%2Csubscription_count", "",
		nil)
	if status != 200 || answer != `{"channels":{"presence-a":{"subscription_count":2,"user_count":2}}}` {
		t.Errorf("%d %s", status, answer)
	}
	for name, change := range map[string]func(url.Values){
		"another query":   func(v url.Values) { v.Set("info", "subscription_count") },
		"a signature":     func(v url.Values) { v.Set("auth_signature", strings.Repeat("0", 64)) },
		"no signature":    func(v url.Values) { v.Del("auth_signature") },
		"another key":     func(v url.Values) { v.Set("auth_key", "x") },
		"another version": func(v url.Values) { v.Set("auth_version", "2.0") },
		"an old time":     func(v url.Values) { v.Set("auth_timestamp", fmt.Sprint(time.Now().Unix()-601)) },
		"a late time":     func(v url.Values) { v.Set("auth_timestamp", fmt.Sprint(time.Now().Unix()+660)) },
		"no time":         func(v url.Values) { v.Del("auth_timestamp") },
	} {
		if status, answer, _ := request("GET", path, "", "", change); status != 401 ||
			!strings.Contains(answer, "auth_") {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
	unsigned := func(v url.Values) { v.Del("body_md5") }
	if status, _, _ := request("POST", "/apps/3/events", "", `{}`, unsigned); status != 401 {
		t.Errorf("a body that was not signed: %d", status)
	}
	if status := send(&fakeNode{}, "POST", "/apps/4/events", ""); status != 404 {
		t.Errorf("an unknown app: %d", status)
	}
}

// PSH.61
func TestPublish_GoesToEachChannel(t *testing.T) {
	status, answer, n := request("POST", "/apps/3/events", "",
		`{"name":"e","data":"{\"a\":1}","channels":["news","#server-to-user-7"],"socket_id":"12.34"}`, nil)
	want := []string{`acme news[] -ws-12 {"event":"e","data":"{\"a\":1}"}`,
		`acme [7] -ws-12 {"event":"e","data":"{\"a\":1}"}`}
	if status != 200 || answer != "{}" || !slices.Equal(n.told, want) {
		t.Errorf("%d %s %q", status, answer, n.told)
	}
	status, answer, _ = request("POST", "/apps/3/events", "",
		`{"name":"e","data":"","channel":"presence-a","info":"user_count,subscription_count"}`, nil)
	if status != 200 || answer != `{"channels":{"presence-a":{"subscription_count":2,"user_count":2}}}` {
		t.Errorf("%d %s", status, answer)
	}
	many := strings.Repeat(`"a",`, 100) + `"a"`
	for body, want := range map[string]int{
		``: 400, `{`: 400, `[]`: 400, `{"data":"x","channel":"a"}`: 400, `{"name":"e","channel":"a"}`: 400,
		`{"name":"e","data":"x"}`: 400, `{"name":"e","data":"x","channels":[]}`: 400,
		`{"name":"e","data":{"x":1},"channel":"a"}`:                             400,
		`{"name":"e","data":"x","channels":[` + many + `]}`:                     400,
		`{"name":"e","data":"x","channels":["a","b/c"]}`:                        400,
		`{"name":"e","data":"x","channel":"#server-to-user-"}`:                  400,
		`{"name":"e","data":"x","channel":"a","socket_id":"x"}`:                 400,
		`{"name":"` + strings.Repeat("e", 201) + `","data":"","channel":"a"}`:   400,
		`{"name":"e","data":"` + strings.Repeat("x", 101) + `","channel":"a"}`:  413,
		`{"name":"e","data":"` + strings.Repeat("x", 2000) + `","channel":"a"}`: 413,
	} {
		if status, answer, n := request("POST", "/apps/3/events", "", body, nil); status != want || len(n.told) > 0 ||
			!strings.HasPrefix(answer, `{"error":"`) {
			t.Errorf("%.80s: %d %s %q", body, status, answer, n.told)
		}
	}
}

// PSH.62: in order, and one that is wrong refuses all.
func TestPublishBatch_IsAllOrNothing(t *testing.T) {
	const one, two = `{"name":"e","data":"1","channel":"news"}`, `{"name":"f","data":"2","channel":"presence-a",` +
		`"info":"user_count"}`
	for body, want := range map[string]struct {
		status, told int
		answer       string
	}{
		`{"batch":[` + one + `]}`:                               {200, 1, `{}`},
		`{"batch":[` + one + `,` + two + `]}`:                   {200, 2, `{"batch":[{},{"user_count":2}]}`},
		`{"batch":[` + one + `,{"name":"e"}]}`:                  {400, 0, ""},
		`{"batch":[` + strings.Repeat(one+",", 10) + one + `]}`: {400, 0, ""},
		`{"batch":1}`: {400, 0, ""},
	} {
		status, answer, n := request("POST", "/apps/3/batch_events", "", body, nil)
		if status != want.status || len(n.told) != want.told || want.answer != "" && answer != want.answer {
			t.Errorf("%s: %d %s %q", body, status, answer, n.told)
		}
	}
}

// PSH.63, PSH.64
func TestChannels_AreThoseThatSomebodyHears(t *testing.T) {
	for target, want := range map[string]string{
		"channels":                    `200 {"channels":{"news":{},"presence-a":{}}}`,
		"channels?filter_by_prefix=x": `200 {"channels":{}}`,
		"channels?info=user_count": `400 {"error":"user_count is for presence channels; ` +
			`set filter_by_prefix to presence-"}`,
		"channels/news?info=subscription_count": `200 {"occupied":true,"subscription_count":3}`,
		"channels/nobody":                       `200 {"occupied":false}`,
		"channels/new?info=subscription_count":  `200 {"occupied":false,"subscription_count":0}`,
		"channels/news?info=user_count":         `400 {"error":"user_count is for presence channels"}`,
		"channels/presence-a?info=user_count":   `200 {"occupied":true,"user_count":2}`,
		"channels/presence-a/users":             `200 {"users":[{"id":"1"},{"id":"2"}]}`,
		"channels/news/users":                   `400 {"error":"users are those of a presence channel"}`,
	} {
		path, query, _ := strings.Cut(target, "?")
		status, answer, _ := request("GET", "/apps/3/"+path, query, "", nil)
		if got := fmt.Sprint(status, " ", answer); got != want {
			t.Errorf("%s: got %s", target, got)
		}
	}
}

// PSH.45: the dialect says the code.
func TestTerminate_EndsTheConnectionsOfAUser(t *testing.T) {
	status, answer, n := request("POST", "/apps/3/users/7/terminate_connections", "", "", nil)
	if status != 200 || answer != "{}" || !slices.Equal(n.told, []string{"disconnect acme 7 0"}) {
		t.Errorf("%d %s %q", status, answer, n.told)
	}
}

// A refusal of the engine keeps its status.
func TestPublish_TellsWhatTheEngineRefuses(t *testing.T) {
	const body = `{"name":"e","data":"1","channel":"news"}`
	values := url.Values{}
	for reason, want := range map[protocol.Reason]int{protocol.RateLimited: 429, protocol.Busy: 503} {
		_, _, _ = request("POST", "/apps/3/events", "", body, func(v url.Values) { values = v })
		n := &fakeNode{err: protocol.Refuse(reason, "later")}
		if status := send(n, "POST", "/apps/3/events?"+values.Encode(), body); status != want {
			t.Errorf("%s: %d", reason, status)
		}
	}
}
