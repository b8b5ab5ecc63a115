package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// proxied is a server behind a proxy that ends TLS, as the README describes it.
type proxied struct {
	*running
	address string // of the proxy
	trusts  *tls.Config
}

// publicName is the host of the proxies' files in deploy/proxy.
const publicName = "push.example.org"

// proxyPrograms start a proxy with the file of that name in deploy/proxy, in the foreground.
var proxyPrograms = map[string]func(t *testing.T, dir, file string) *exec.Cmd{
	"nginx.conf": func(t *testing.T, dir, file string) *exec.Cmd {
		main := filepath.Join(dir, "main.conf")
		rewrite(t, main, fmt.Sprintf(`daemon off; master_process off;
worker_rlimit_nofile 1024; error_log stderr; pid %[1]s/pid;
events { worker_connections 256; }
http {
    access_log off; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f;
    uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
    include %[2]s;
}`, dir, file))
		return exec.CommandContext(t.Context(), program(t, "nginx"), "-e", "stderr", "-p", dir, "-c", main)
	},
	"haproxy.cfg": func(t *testing.T, _, file string) *exec.Cmd {
		return exec.CommandContext(t.Context(), program(t, "haproxy"), "-db", "-f", file)
	},
}

// program finds a proxy, which Debian keeps where only root looks.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, at := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(at); err == nil {
			return path
		}
	}
	if os.Getenv("PARLEY_PROXIES") == "required" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed (apt-get install %s)", name, name)
	return ""
}

// behind starts a server, and a proxy in front of it with the documented file, in which the addresses and the
// certificate's place are changed and nothing else but what settings pairs say.
func behind(t *testing.T, file string, environ []string, settings ...string) *proxied {
	t.Helper()
	dir := t.TempDir()
	r := serve(t, append([]string{"PARLEY_DRAIN=2s"}, environ...), "--config", tenantFile(t, firstKey, firstAPIKey))
	certificate, key, roots := selfSigned(t, dir, publicName)
	documented, err := os.ReadFile(filepath.Join("deploy", "proxy", file))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 { // a port that was free a moment ago may be somebody's by now
		address := freeAddress(t)
		_, port, _ := net.SplitHostPort(address)
		_, internal, _ := net.SplitHostPort(strings.TrimPrefix(r.internal, "http://"))
		text := replaceAll(t, string(documented), append([]string{
			"127.0.0.1:8000", strings.TrimPrefix(r.base, "http://"),
			"/etc/ssl/push.example.org.pem", certificate,
		}, settings...)...)
		text = strings.NewReplacer("listen 443 ssl", "listen 127.0.0.1:"+port+" ssl", "bind :443 ", "bind 127.0.0.1:"+
			port+" ",
			"port 8001", "port "+internal, "/etc/ssl/push.example.org.key", key).Replace(text)
		at := filepath.Join(dir, file)
		rewrite(t, at, text)
		if startProxy(t, proxyPrograms[file](t, dir, at), address) {
			return &proxied{running: r, address: address, trusts: &tls.Config{RootCAs: roots, ServerName: publicName}}
		}
	}
	t.Fatal("the proxy did not start at any of five addresses")
	return nil
}

func replaceAll(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the documented file has no %q", pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// startProxy reports whether the proxy answers at the address, and that it has not ended instead.
func startProxy(t *testing.T, cmd *exec.Cmd, address string) bool {
	t.Helper()
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var reading sync.WaitGroup
	log := follow(&reading, said)
	go func() {
		reading.Wait()
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("log of the proxy:\n%s", strings.Join(log.all(), "\n"))
		}
	})
	for end := time.Now().Add(patience); time.Now().Before(end); {
		select {
		case <-ended:
			t.Logf("the proxy ended: %s", strings.Join(log.all(), "\n"))
			return false
		default:
		}
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return true
		}
	}
	t.Fatalf("the proxy neither answers at %s nor ends", address)
	return false
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// client speaks HTTPS with the proxy, whatever host is asked for, from the loopback address from.
func (p *proxied) client(from string) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	transport := &http.Transport{
		TLSClientConfig: p.trusts,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", p.address)
		},
	}
	p.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// open opens a socket through the proxy, as a browser does with a page of origin.
func (p *proxied) open(origin, from string) (*websocket.Conn, *http.Response, error) {
	return websocket.Dial(p.t.Context(), "wss://"+publicName+"/ws", &websocket.DialOptions{
		HTTPClient: p.client(from), HTTPHeader: http.Header{"Origin": {origin}},
	})
}

// F28: a browser's page of the public name connects through each documented proxy though no proxy is trusted, hears
// what is published through it, and its last word says that the server goes.
func TestProxy_PagesConnectThroughEachDocumentedOne(t *testing.T) {
	for file := range proxyPrograms {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			p := behind(t, file, nil)
			conn, _, err := p.open("https://"+publicName, "127.0.0.1")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.CloseNow()
			config := tenantFile(t, firstKey, firstAPIKey)
			token := strings.TrimSpace(parley(t, nil, "token", "--user", "alice", "--config", config).stdout)
			say(t, conn, `{"type":"auth","token":"`+token+`"}`)
			hears(t, "a page behind "+file, conn, `{"type":"auth_response","success":true}`)
			say(t, conn, `{"type":"subscribe","channel":"alerts"}`)
			p.subscribedAs(firstAPIKey, "alerts")
			p.publishes(http.StatusOK)
			if heard, err := next(t, conn); err != nil || !strings.Contains(heard, `"type":"alert"`) {
				t.Errorf("heard %s %v", heard, err)
			}
			if _, response, err := p.open("https://evil.example", "127.0.0.1"); err == nil ||
				response.StatusCode != http.StatusForbidden {
				t.Errorf("a foreign page: %v %v", response, err)
			}
			p.signal(syscall.SIGTERM)
			_, err = next(t, conn)
			if code := websocket.CloseStatus(err); code != websocket.StatusServiceRestart {
				t.Errorf("the drain ends the page's socket with %d (%v)", code, err)
			}
			if status := p.exit(); status != 0 {
				t.Errorf("the server ends with %d", status)
			}
			p.publishes(http.StatusBadGateway, http.StatusServiceUnavailable)
		})
	}
}

// publishes publishes an alert through the proxy and wants one of these answers.
func (p *proxied) publishes(want ...int) {
	p.t.Helper()
	const alert = `{"event":{"kind":"alert","data":{"alert_id":1,"device_id":1,"severity":"critical","title":"Hot",` +
		`"message":"Too hot"}}}`
	request, err := http.NewRequestWithContext(p.t.Context(), "POST", "https://"+publicName+"/api/v1/publish",
		strings.NewReader(alert))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("X-API-Key", firstAPIKey)
	response, err := p.client("127.0.0.1").Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	for _, status := range want {
		if response.StatusCode == status {
			return
		}
	}
	body, _ := io.ReadAll(response.Body)
	p.t.Errorf("a publish through the proxy: %s %s, not %v", response.Status, body, want)
}

// subscribedAs waits until the topic has a subscriber.
func (r *running) subscribedAs(key, topic string) {
	r.t.Helper()
	for late := r.patient(); ; late() {
		if _, list := r.askAs(key, "GET", "/api/v1/topics?prefix="+topic, ""); strings.Contains(list, `"name":"`+topic+
			`","subscribers":1`) {
			return
		}
	}
}

// A connection is counted under the client's own address where the proxy is trusted, and under the proxy's elsewhere;
// it connects either way.
func TestProxy_RealAddressesAreThoseThatATrustedOneTells(t *testing.T) {
	for file := range proxyPrograms {
		for trusted, want := range map[string]string{"127.0.0.1": "127.0.0.9", "192.0.2.1": "127.0.0.1"} {
			t.Run(file+" trusted "+trusted, func(t *testing.T) {
				t.Parallel()
				p := behind(t, file, []string{"PARLEY_WEBSOCKET_TRUSTED_PROXIES=" + trusted})
				conn, _, err := p.open("https://"+publicName, "127.0.0.9")
				if err != nil {
					t.Fatal(err)
				}
				defer conn.CloseNow()
				say(t, conn, `{"type":"ping"}`)
				if _, err := next(t, conn); err != nil {
					t.Fatal(err)
				}
				if _, list := p.askAs(firstAPIKey, "GET", "/api/v1/connections", ""); !strings.Contains(list,
					`"remote_address":"`+want+`"`) {
					t.Errorf("the connection is %s, not from %s", list, want)
				}
			})
		}
	}
}

// A connection on which nothing is said outlives the proxy's idle time, since the server's pings pass it.
func TestProxy_IdleConnectionsOutliveItsIdleTime(t *testing.T) {
	for file, idle := range map[string]string{"nginx.conf": "proxy_read_timeout 75s",
		"haproxy.cfg": "timeout tunnel 75s"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			const pings, every = 14, 250 * time.Millisecond // so many last longer than the proxy's time
			p := behind(t, file, []string{"PARLEY_ENGINE_PING_EVERY=" + every.String(), "PARLEY_ENGINE_TIMEOUT=20s"},
				idle, strings.Replace(idle, "75s", "3s", 1))
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			heard := make(chan struct{}, 2*pings)
			conn, _, err := websocket.Dial(ctx, "wss://"+publicName+"/ws", &websocket.DialOptions{
				HTTPClient:     p.client("127.0.0.1"),
				OnPingReceived: func(context.Context, []byte) bool { heard <- struct{}{}; return true },
			})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.CloseNow()
			say(t, conn, `{"type":"ping"}`)
			if _, err := next(t, conn); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() {
				_, _, err := conn.Read(ctx)
				ended <- err
			}()
			for i := range pings {
				select {
				case <-heard:
				case err := <-ended:
					t.Fatalf("the proxy ended the connection after %d pings: %v", i, err)
				}
			}
		})
	}
}

// What the README shows of a proxy's configuration is in the file that these tests start.
func TestProxy_ReadmeShowsWhatIsTested(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for file := range proxyPrograms {
		text, err := os.ReadFile(filepath.Join("deploy", "proxy", file))
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(file, ".")
		if !strings.Contains(string(readme), "](cmd/parley/deploy/proxy/"+file+")") {
			t.Errorf("the README does not name %s", file)
		}
		_, block, _ := strings.Cut(string(readme), "```"+name+"\n")
		block, _, _ = strings.Cut(block, "```")
		for line := range strings.SplitSeq(block, "\n") {
			if line = strings.TrimSpace(line); line != "" && !strings.Contains(string(text), line) {
				t.Errorf("%s has no line %q, which the README shows", file, line)
			} else if line != "" {
				shown++
			}
		}
	}
	if shown == 0 {
		t.Error("the README shows nothing of the proxies' files")
	}
}

// selfSigned writes a certificate of the host, with its key in the same file and in one of its own.
func selfSigned(t *testing.T, dir, host string) (certificate, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host},
		NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	secret := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
	certificate, key = filepath.Join(dir, "proxy.pem"), filepath.Join(dir, "proxy.key")
	rewrite(t, certificate, string(chain)+string(secret))
	rewrite(t, key, string(secret))
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(chain)
	return certificate, key, roots
}
