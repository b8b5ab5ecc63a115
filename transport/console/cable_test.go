package console

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// playground is a server in dev mode whose path /ws/echo upgrades a connection, and says whatever it hears.
func playground(t *testing.T) string {
	t.Helper()
	h := newTestConsole(t, func(c *Config) { c.Dev = true })
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, ahead, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nX-Asked: "+r.Method+" "+r.URL.String()+" "+
			r.Header.Get("Upgrade")+"\r\n\r\n")
		io.Copy(conn, ahead)
	})
	mux := http.NewServeMux()
	mux.Handle("/ws/echo", echo)
	mux.Handle("/", h.console.Handler(http.NotFoundHandler()))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// plugIn upgrades a connection through a cable, and returns it with what has come.
func plugIn(t *testing.T, address, cable string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	io.WriteString(conn, "GET /console/cable/"+cable+"/ws/echo?client_id=me HTTP/1.1\r\nHost: "+address+
		"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	from := bufio.NewReader(conn)
	answer, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.Header.Get("X-Asked"); answer.StatusCode != 101 || got != "GET /ws/echo?client_id=me websocket" {
		t.Fatalf("%d, the server was asked for %q", answer.StatusCode, got)
	}
	return conn, from
}

// says sends a line and wants it back.
func says(t *testing.T, conn io.Writer, from *bufio.Reader, line string) {
	t.Helper()
	io.WriteString(conn, line+"\n")
	if got, err := from.ReadString('\n'); got != line+"\n" {
		t.Errorf("said %q, heard %q %v", line, got, err)
	}
}

func cutCable(t *testing.T, address, cable string) int {
	t.Helper()
	answer, err := http.Post("http://"+address+"/console/api/cable/"+cable, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

func TestCable_CarriesAConnectionUntilItIsCut(t *testing.T) {
	address := playground(t)
	conn, from := plugIn(t, address, "a")
	other, fromOther := plugIn(t, address, "b")
	says(t, conn, from, "hello")
	says(t, other, fromOther, "hello")
	if status := cutCable(t, address, "a"); status != http.StatusNoContent {
		t.Errorf("cut: %d", status)
	}
	if rest, err := io.ReadAll(from); len(rest) > 0 { // it ends without a goodbye
		t.Errorf("after the cut it said %q %v", rest, err)
	}
	says(t, other, fromOther, "still here")
	if status := cutCable(t, address, "c"); status != http.StatusNotFound {
		t.Errorf("one that is not there: %d", status)
	}
}

func TestCable_OneOfTheSameNameTakesItsPlace(t *testing.T) {
	address := playground(t)
	_, old := plugIn(t, address, "a")
	conn, from := plugIn(t, address, "a")
	if rest, _ := io.ReadAll(old); len(rest) > 0 {
		t.Errorf("the old one said %q", rest)
	}
	says(t, conn, from, "hello")
}

func TestCables_HaveABoundAndForgetThoseThatEnded(t *testing.T) {
	var all cables
	made := func() *cable {
		client, server := net.Pipe()
		return &cable{client, server}
	}
	var last *cable
	for i := range maxCables {
		if last = made(); !all.add(strconv.Itoa(i), last) {
			t.Fatalf("number %d was refused", i)
		}
	}
	if all.add("one more", made()) {
		t.Error("there is no bound")
	}
	all.remove("0", last)
	if all.add("one more", made()) {
		t.Error("a cable was forgotten by another's end")
	}
	if all.remove(strconv.Itoa(maxCables-1), last); !all.add("one more", made()) {
		t.Error("one that has ended is not forgotten")
	}
}

func TestCable_IsOfDevModeAlone(t *testing.T) {
	h := newTestConsole(t, nil)
	w := h.does("POST", "/console/api/cable/a", "", h.login(adminKey))
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "no such call") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = h.does("GET", "/console/cable/a/ws/echo", "", h.login(adminKey))
	if !strings.Contains(w.Body.String(), "<title>Parley") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
