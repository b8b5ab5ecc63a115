package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// reliability.md check 9, R000.29, R001.57: a page of the server's own host may connect, a page of another host may
// not, and clients without Origin, which are no pages, may. F30: in dev mode so may each page of this machine.
func TestWire_OriginMustBeTheServersOwnHostOrAbsent(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	for _, path := range []string{"/api/v2/dashboard/ws", "/ws"} {
		for origin, admitted := range map[string]bool{
			"": true, r.base: true, "https://evil.example": false, "null": false, r.base + ".evil.example": false,
			"http://localhost:3000": true, "http://[::1]:5173": true, "https://app.localhost": true,
			"http://localhost.evil.example": false,
		} {
			header := http.Header{}
			if origin != "" {
				header.Set("Origin", origin)
			}
			conn, response, err := websocket.Dial(t.Context(), r.base+path, &websocket.DialOptions{HTTPHeader: header})
			if err == nil {
				conn.CloseNow()
			}
			if (err == nil) != admitted || !admitted && response.StatusCode != http.StatusForbidden {
				t.Errorf("%s from %q: %v %v", path, origin, response, err)
			}
		}
	}
}

// R001.77: compression is agreed on with a client that offers it, and with no other.
func TestWire_CompressionIsNegotiated(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	for mode, want := range map[websocket.CompressionMode]bool{websocket.CompressionNoContextTakeover: true,
		websocket.CompressionDisabled: false} {
		conn, response, err := websocket.Dial(t.Context(), r.base+"/api/v2/dashboard/ws",
			&websocket.DialOptions{CompressionMode: mode})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		hears(t, "dashboard", conn, `{"event":"connected","client_id":null,"heartbeat_seconds":30}`)
		if got := response.Header.Get("Sec-WebSocket-Extensions"); strings.Contains(got, "permessage-deflate") != want {
			t.Errorf("offered %v, answered %q", want, got)
		}
	}
	many := strings.Repeat("0123456789", 200)
	clients := []*websocket.Conn{r.dialWith("/api/v1/ws?access_token="+devTokenFor(t, "7"), nil)}
	r.connected(len(clients) + 2) // the dashboards are in as well
	if status, answer := r.post("dev", `{"user":7,"event":{"kind":"json","data":{"message":"`+many+
		`"}}}`); status != http.StatusOK {
		t.Errorf("the publish: %d %s", status, answer)
	}
	hears(t, "a client", clients[0], `{"message":"`+many+`"}`)
}

// R001.79: behind a trusted proxy a client's address is the one that the proxy tells; anybody else's word is not taken.
func TestWire_AddressIsTheOneThatATrustedProxyTells(t *testing.T) {
	t.Parallel()
	for environ, want := range map[string]string{"PARLEY_WEBSOCKET_TRUSTED_PROXIES=127.0.0.0/8": "203.0.113.9",
		"PARLEY_WEBSOCKET_TRUSTED_PROXIES=192.0.2.1": "127.0.0.1"} {
		r := serve(t, []string{"PARLEY_INTERNAL_LISTEN=", environ}, "--dev", "--feed=false")
		conn := r.dialWith("/api/v2/dashboard/ws", http.Header{"X-Forwarded-For": {"198.51.100.1, 203.0.113.9"},
			"X-Real-Ip": {"198.51.100.2"}})
		hears(t, "dashboard", conn, `{"event":"connected","client_id":null,"heartbeat_seconds":30}`)
		if list := r.call("GET", "/api/v1/connections"); !strings.Contains(list, `"remote_address":"`+want+`"`) {
			t.Errorf("%s: %s", environ, list)
		}
	}
}

// R001.69, R001.71: a connection's life, seen from outside: it comes, says who it is, subscribes, works, and leaves
// nothing behind; and what it did stays in the figures. R001.65, R001.66, R001.67, R001.81, R001.85 on the way.
func TestWire_AConnectionsLifeIsSeenAndLeavesNothing(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	conn := r.dial("/ws")
	say(t, conn, `{"type":"auth","token":"`+devTokenFor(t, "alice")+`"}`)
	hears(t, "valtronics", conn, `{"type":"auth_response","success":true}`)
	say(t, conn, `{"type":"subscribe","channel":"telemetry","device_id":1}`)
	r.subscribed(1, "telemetry/1")
	r.publish(1, "telemetry", aTelemetry)
	if _, err := next(t, conn); err != nil {
		t.Fatal(err)
	}
	var user struct {
		Connections []struct {
			ID, Dialect, Since string
			In                 int `json:"in_messages"`
			Out                int `json:"out_messages"`
			Subscriptions      []string
		}
	}
	// what is sent counts when the kernel has it, and the client may be faster than that
	for late := r.patient(); ; late() {
		if err := json.Unmarshal([]byte(r.call("GET", "/api/v1/users/alice")), &user); err != nil ||
			len(user.Connections) != 1 {
			t.Fatalf("alice is %+v %v", user, err)
		}
		if user.Connections[0].Out == 2 {
			break
		}
	}
	if c := user.Connections[0]; c.Dialect != "valtronics" || c.In != 2 || c.Out != 2 ||
		fmt.Sprint(c.Subscriptions) != "[telemetry/1]" || c.Since == "" {
		t.Errorf("her connection is %+v", c)
	}
	if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	r.gone("alice")
	var stats struct {
		Dialects map[string]struct {
			TotalConnections, AuthenticatedConnections, MessagesReceived, MessagesSent int
			AverageConnectionDuration, MessagesPerConnection                           float64
		}
	}
	if err := json.Unmarshal([]byte(r.call("GET", "/api/v1/stats")), &stats); err != nil {
		t.Fatal(err)
	}
	d := stats.Dialects["valtronics"]
	if d.AuthenticatedConnections != 0 || d.MessagesReceived < 2 || d.MessagesSent < 2 || d.TotalConnections < 1 {
		t.Errorf("what stays is %+v", d)
	}
	if d.AverageConnectionDuration <= 0 || d.MessagesPerConnection < 4 {
		t.Errorf("on average it is %+v", d)
	}
	if status, body := get(t, r.base+"/readyz"); status != http.StatusOK {
		t.Errorf("readyz: %d %s", status, body)
	}
}

// gone waits until a user has no connection.
func (r *running) gone(user string) {
	r.t.Helper()
	for late := r.patient(); ; late() {
		request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.base+"/api/v1/users/"+user, nil)
		if err != nil {
			r.t.Fatal(err)
		}
		request.Header.Set("X-API-Key", "dev")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			r.t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode == http.StatusNotFound {
			return
		}
	}
}

// R001.74: what backends batch reaches clients as one message an event, since they can read no other.
func TestWire_ABatchOfEventsIsOneMessageEach(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	conn := r.dial("/ws")
	say(t, conn, `{"type":"batch","messages":[{"type":"auth","token":"`+devTokenFor(t, "alice")+
		`"},{"type":"subscribe","channel":"alerts"}]}`)
	hears(t, "valtronics", conn, `{"type":"auth_response","success":true}`)
	r.subscribed(1, "alerts")
	const count = 20
	var events []string
	for i := range count {
		events = append(events, `{"event":{"kind":"alert","data":`+strings.Replace(anAlert, "123", fmt.Sprint(i), 1)+
			`}}`)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.base+"/api/v1/batch",
		strings.NewReader(`{"publish":[`+strings.Join(events, ",")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-API-Key", "dev")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	for i := range count {
		message, err := next(t, conn)
		if want := fmt.Sprintf(`"alert_id":%d,`, i); err != nil || !strings.Contains(message, want) {
			t.Fatalf("message %d is %s %v", i, message, err)
		}
	}
}

// R001.68, R001.86: at debug level each message has its line: when, which way, what kind, how large, in which channel;
// and nothing else of what it says.
func TestWire_DebugLogHasALineForEachMessage(t *testing.T) {
	t.Parallel()
	r := serve(t, []string{"PARLEY_LOG_LEVEL=debug", "PARLEY_INTERNAL_LISTEN="}, "--dev", "--feed=false")
	conn, token := r.dial("/ws"), devTokenFor(t, "alice")
	subscribe := `{"type":"subscribe","channel":"alerts"}`
	say(t, conn, `{"type":"auth","token":"`+token+`"}`)
	hears(t, "valtronics", conn, `{"type":"auth_response","success":true}`)
	say(t, conn, subscribe)
	r.subscribed(1, "alerts")
	r.publish(1, "alert", anAlert)
	if _, err := next(t, conn); err != nil {
		t.Fatal(err)
	}
	line := func(direction, word, channel string, size int) {
		t.Helper()
		found := r.log.await(t, func(line map[string]any) bool {
			return line["msg"] == "message" && line["direction"] == direction && line["type"] == word &&
				line["channel"] == channel
		})
		if found["time"] == nil || found["size"] == 0.0 || size > 0 && found["size"] != float64(size) ||
			!strings.HasPrefix(fmt.Sprint(found["connection"]), "ws-") {
			t.Errorf("the line is %v", found)
		}
	}
	line("received", "auth", "", 0)
	line("sent", "auth_response", "", 0)
	line("received", "subscribe", "alerts", len(subscribe))
	line("sent", "alert", "alerts", 0)
	for _, text := range r.log.all() {
		if strings.Contains(text, token) || strings.Contains(text, "Temperature") {
			t.Errorf("the log repeats what was said: %s", text)
		}
	}
}

// R004.28, R004.29, R004.37: who exists, and who may attach to what, are the tenant's data: here a list of users, and
// the topics of a token.
func TestWire_AirLaysUsersAndRightsAreTheTenantsData(t *testing.T) {
	t.Parallel()
	const known, stranger = "5dad615eae019570fb4647ed", "000000000000000000000000"
	path := filepath.Join(t.TempDir(), "parley.yaml")
	rewrite(t, path, strings.Replace(tenantYAML(firstKey, firstAPIKey), "name: acme", "name: acme\n    users: ['"+known+
		"']", 1))
	r := serve(t, nil, "--config", path)
	conn := r.dial("/ws")
	attach := func(user, topics, dataset string) {
		t.Helper()
		args := []string{"token", "--config", path, "--user", user}
		if topics != "" {
			args = append(args, "--topics", topics)
		}
		made := parley(t, nil, args...)
		if made.status != 0 {
			t.Fatal(made.stderr)
		}
		say(t, conn, `{"auth":"`+strings.TrimSpace(made.stdout)+
			`","action":"attach","event":{"type":"datasetUpdate","id":"`+dataset+`"}}`)
	}
	const mine, theirs = "610217e481f6fc54736209e0", "610217e481f6fc54736209e1"
	attach(stranger, "", mine)
	hears(t, "a stranger", conn, `{"status":400,"message":"User not exists","code":3}`)
	attach(known, "datasetUpdate/"+mine, theirs)
	hears(t, "a user without the right", conn, `{"status":400,"message":"Not access for dataset","code":4}`)
	attach(known, "datasetUpdate/"+mine, mine)
	hears(t, "a user with the right", conn, `{"status":200,"message":"Ok","code":0}`)
}
