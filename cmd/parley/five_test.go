package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/parley-realtime/parley/cmd/parley/config"
)

// dialWith connects to a path of the server with a header, and fails unless it is let in.
func (r *running) dialWith(path string, header http.Header) *websocket.Conn {
	r.t.Helper()
	conn, response, err := websocket.Dial(r.t.Context(), r.base+path, &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		r.t.Fatalf("%s: %v %v", path, response, err)
	}
	r.t.Cleanup(func() { conn.CloseNow() })
	return conn
}

// hears reads one message and wants it to be this JSON; a member of the wanted object that is nil may be anything.
func hears(t *testing.T, who string, conn *websocket.Conn, want string) {
	t.Helper()
	message, err := next(t, conn)
	if err != nil {
		t.Errorf("%s: %v", who, err)
		return
	}
	var got, wanted map[string]any
	if json.Unmarshal([]byte(message), &got) != nil || json.Unmarshal([]byte(want), &wanted) != nil {
		t.Errorf("%s hears %s", who, message)
		return
	}
	for name, value := range wanted {
		if _, there := got[name]; there && value == nil {
			got[name] = nil
		}
	}
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("%s hears %s, want %s", who, message, want)
	}
}

// five are clients of all five protocols, each let in and ready to hear what is sent to all.
func (r *running) five(token string) map[string]*websocket.Conn {
	r.t.Helper()
	clients := map[string]*websocket.Conn{
		"dashboard":  r.dial("/api/v2/dashboard/ws"),
		"valtronics": r.dial("/ws"),
		"notify":     r.dial("/api/v1/ws?access_token=" + token),
		"authentik":  r.dialWith("/ws/client/", http.Header{"Cookie": {"authentik_session=" + token}}),
		"airlay":     r.dial("/ws"),
	}
	hears(r.t, "dashboard", clients["dashboard"], `{"event":"connected","client_id":null,"heartbeat_seconds":30}`)
	say(r.t, clients["valtronics"], `{"type":"auth","token":"`+token+`"}`)
	hears(r.t, "valtronics", clients["valtronics"], `{"type":"auth_response","success":true}`)
	say(r.t, clients["airlay"], `{"auth":"`+token+`","action":"attach","event":{"type":"notification"}}`)
	hears(r.t, "airlay", clients["airlay"], `{"status":200,"message":"Ok","code":0}`)
	r.connected(len(clients))
	return clients
}

// The promise that makes Parley worth having: one publish, every kind of client, each in its own words.
func TestFive_OnePublishReachesEveryProtocolInItsOwnWords(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	clients := r.five(devTokenFor(t, "alice"))
	status, answer := r.post("dev", `{"all":true,"event":{"kind":"message","data":{"level":"warning","title":"Hot",`+
		`"message":"23 °C & rising","tags":"lab"}}}`)
	if status != http.StatusOK || !strings.Contains(answer, `"delivered":5`) {
		t.Errorf("the publish: %d %s", status, answer)
	}
	for who, want := range map[string]string{
		"dashboard": `{"event":"message","level":"warning","title":"Hot","message":"23 °C & rising","timestamp":null}`,
		"valtronics": `{"type":"alert","channel":"alerts","alert_id":null,"device_id":null,"severity":"warning",` +
			`"title":"Hot","message":"23 °C & rising","timestamp":null,"metadata":{"level":"warning","tags":"lab"}}`,
		"notify":    `{"message":"23 °C & rising","level":"warning","title":"Hot"}`,
		"authentik": `{"message_type":"message","level":"warning","tags":"lab","message":"23 °C & rising"}`,
		"airlay": `{"type":"notification","id":"","data":{"level":"warning","message":"23 °C & rising",` +
			`"title":"Hot"}}`,
	} {
		hears(t, who, clients[who], want)
	}
}

// rsaFile is a configuration whose tenant has an RSA key, as AirLay's tokens want it.
func rsaFile(t *testing.T) string {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rewrite(t, filepath.Join(dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	path := filepath.Join(dir, "parley.yaml")
	rewrite(t, path, "tenants:\n  - name: acme\n    api_keys: ["+firstAPIKey+
		"]\n    user_claim: [sub, data.id]\n    keys: [{alg: RS256, public_key_file: "+filepath.Join(dir, "key.pem")+
		"}]\n")
	return path
}

// F43, F54: R004.4, R004.20, R004.27, R004.36, R004.42: a command starts the server, and a request like the one that
// AirLay's document prints, 1,052 bytes of it or more, is understood; its token expired in 2024. It comes on the very
// path on which a Valtronics client works, and a token of the same shape, RS256 too, that has not expired is let in.
func TestFive_AirLaysPrintedRequestIsUnderstoodBesideValtronics(t *testing.T) {
	t.Parallel()
	ownAndPrinted(t, ownRequest(t), "004_*.txt", printedRequest, airLaysRequestIsUnderstood)
}

// ownRequest has the shape and the size of the one in AirLay's document.
func ownRequest(t *testing.T) string {
	t.Helper()
	part := base64.RawURLEncoding.EncodeToString
	signature := make([]byte, 512) // that of a key of 4,096 bits
	rand.Read(signature)
	claims := `{"iat":1711709116,"jti":"` + part(make([]byte, 48)) + `","iss":"dev.airlay.ru","exp":1711716316,` +
		`"data":{"name":"i.ivanova","id":"64b7f0c2a9e1d35b8c6f4e21"}}`
	token := part([]byte(`{"typ":"JWT","alg":"RS256"}`)) + "." + part([]byte(claims)) + "." + part(signature)
	request := `{"auth":"` + token + `","action":"attach","event":{"type":"issueUpdate",` +
		`"id":"64b7f0c2a9e1d35b8c6f4e22"}}`
	if len(request) < 1052 {
		t.Fatalf("the request has %d bytes", len(request))
	}
	return request
}

func airLaysRequestIsUnderstood(t *testing.T, printed string) {
	file := rsaFile(t)
	r := serve(t, nil, "--config", file)
	valtronics, airlay := r.dial("/ws"), r.dial("/ws")
	tokenFor := func(args ...string) string {
		made := parley(t, nil, append([]string{"token", "--config", file}, args...)...)
		if made.status != 0 {
			t.Fatal(made.stderr)
		}
		return strings.TrimSpace(made.stdout)
	}
	say(t, valtronics, `{"type":"auth","token":"`+tokenFor("--user", "alice")+`"}`)
	hears(t, "valtronics", valtronics, `{"type":"auth_response","success":true}`)

	say(t, airlay, printed)
	hears(t, "airlay", airlay, `{"status":400,"message":"Invalid token","code":2}`)

	var request map[string]any
	if err := json.Unmarshal([]byte(printed), &request); err != nil {
		t.Fatal(err)
	}
	request["auth"] = tokenFor("--user", "5dad615eae019570fb4647ed", "--claims",
		`{"iss":"dev.airlay.ru","data":{"name":"a.kalinin"}}`)
	fresh, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	say(t, airlay, string(fresh))
	hears(t, "airlay", airlay, `{"status":200,"message":"Ok","code":0}`)

	event, _ := request["event"].(map[string]any)
	id, _ := event["id"].(string)
	if status, answer := r.post(firstAPIKey, `{"event":{"kind":"object","data":{"type":"issueUpdate","id":"`+id+
		`"}}}`); status != http.StatusOK || !strings.Contains(answer, `"delivered":1`) {
		t.Errorf("the publish: %d %s", status, answer)
	}
	hears(t, "airlay", airlay, `{"type":"issueUpdate","id":"`+id+`","data":[]}`)
	say(t, valtronics, `{"type":"ping"}`)
	hears(t, "valtronics", valtronics, `{"type":"pong","timestamp":null,"server_time":null}`)
}

// printedRequest is the JSON object of the document whose auth is a token.
func printedRequest(t *testing.T, text string) string {
	t.Helper()
	for begin := range text {
		if text[begin] != '{' {
			continue
		}
		var raw json.RawMessage
		var request struct{ Auth, Action string }
		if json.NewDecoder(strings.NewReader(text[begin:])).Decode(&raw) == nil &&
			json.Unmarshal(raw, &request) == nil && strings.Count(request.Auth, ".") == 2 {
			return string(raw)
		}
	}
	t.Fatal("the document prints no request")
	return ""
}

// R003.20, R003.27, R003.32: an outpost that fetches its documents, dials, and says HELLO is known to the API.
func TestFive_AnOutpostStartsIsSeenAndIsTriggered(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	for _, path := range []string{"/api/v3/outposts/instances/", "/api/v3/root/config/"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer dev")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		var page struct{ Results []struct{ PK string } }
		err = json.NewDecoder(response.Body).Decode(&page)
		response.Body.Close()
		if response.StatusCode != http.StatusOK || err != nil || strings.Contains(path, "instances") &&
			(len(page.Results) != 1 || page.Results[0].PK != config.DevOutpost) {
			t.Errorf("%s: %d %+v %v", path, response.StatusCode, page, err)
		}
	}
	outpost := r.dialWith("/ws/outpost/"+config.DevOutpost+"/",
		http.Header{"Authorization": {"Bearer dev"}, "User-Agent": {"goauthentik.io/outpost/2024.10.4"}})
	say(t, outpost, `{"instruction":1,"args":{"buildHash":"tagged","hostname":"vm","uuid":"i-1",`+
		`"version":"2024.10.4"}}`+"\n")
	hears(t, "outpost", outpost, `{"instruction":0,"args":{}}`)
	known := r.call("GET", "/api/v1/outposts/"+config.DevOutpost)
	if !strings.Contains(known, `{"uuid":"i-1","version":"2024.10.4","buildHash":"tagged","hostname":"vm",`) ||
		!strings.Contains(known, `"healthy":true`) {
		t.Errorf("the API knows %s", known)
	}
	r.publish(1, "trigger_update", `{"outpost":"`+config.DevOutpost+`"}`)
	hears(t, "outpost", outpost, `{"instruction":2,"args":{}}`)
}

// R002.22, R002.24: a page gets a ticket for its token and opens a socket with it, once.
func TestFive_ATicketOpensOneSocket(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.base+"/api/v1/ws/ticket", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+devTokenFor(t, "7"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var made struct{ Ticket string }
	if err := json.NewDecoder(response.Body).Decode(&made); err != nil || response.StatusCode != http.StatusCreated {
		t.Fatalf("%d %v", response.StatusCode, err)
	}
	page := r.dial("/api/v1/ws?ticket=" + made.Ticket)
	if _, again, err := websocket.Dial(t.Context(), r.base+"/api/v1/ws?ticket="+made.Ticket, nil); err == nil ||
		again.StatusCode != http.StatusForbidden {
		t.Errorf("the ticket opens a second socket: %v %v", again, err)
	}
	r.connected(1)
	status, answer := r.post("dev", `{"user":7,"event":{"kind":"json","data":{"message":"NEW_ACTIVITY_NOTIFICATION",`+
		`"notification_id":9}}}`)
	if status != http.StatusOK || !strings.Contains(answer, `"delivered":1`) {
		t.Errorf("the publish: %d %s", status, answer)
	}
	hears(t, "notify", page, `{"message":"NEW_ACTIVITY_NOTIFICATION","notification_id":9}`)
}

// What parley listen hears in each dialect, as dev mode's lines say it.
func TestFive_ListenSpeaksEveryDialect(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	notify, authentik, airlay, outpost := r.listener("--dialect", "notify"), r.listener("--dialect", "authentik"),
		r.listener("--dialect", "airlay", "issueUpdate/610217e481f6fc54736209e0", "notification"),
		r.listener("--dialect", "authentik_outpost")
	outpost.contains(t, `{"instruction":0,"args":{}}`)
	airlay.contains(t, `"code":0`)
	r.connected(4)
	r.subscribed(1, "issueUpdate/610217e481f6fc54736209e0")
	r.publish(1, "trigger_update", `{"outpost":"`+config.DevOutpost+`","args":{"n":1}}`)
	outpost.contains(t, `{"instruction":2,"args":{"n":1}}`)
	if status, answer := r.post("dev", `{"user":"listener","event":{"kind":"message","data":{"level":"info",`+
		`"message":"hello"}}}`); status != http.StatusOK || !strings.Contains(answer, `"delivered":3`) {
		t.Errorf("the publish: %d %s", status, answer)
	}
	notify.contains(t, `{"message":"hello"`)
	authentik.contains(t, `"message_type":"message"`, `"message":"hello"`)
	airlay.contains(t, `"type":"notification"`, `"message":"hello"`)
}

// connected waits until n connections are authenticated.
func (r *running) connected(n int) {
	r.t.Helper()
	for late := r.patient(); ; late() {
		var stats struct{ AuthenticatedConnections int }
		if err := json.Unmarshal([]byte(r.call("GET", "/api/v1/stats")), &stats); err != nil {
			r.t.Fatal(err)
		}
		if stats.AuthenticatedConnections >= n {
			return
		}
	}
}
