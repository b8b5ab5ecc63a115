package cluster

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// recorder is a handler that passes on what it is told.
type recorder struct {
	parcels, messages chan string
	up                chan string
	down              chan bool
}

func newRecorder() *recorder {
	return &recorder{
		parcels: make(chan string, 100), messages: make(chan string, 100),
		up: make(chan string, 100), down: make(chan bool, 100),
	}
}

func (r *recorder) Parcel(from string, parcel []byte) { r.parcels <- from + ": " + string(parcel) }

func (r *recorder) Message(from string, message []byte) { r.messages <- from + ": " + string(message) }

func (r *recorder) Up(_ *Peer, node string) { r.up <- node }

func (r *recorder) Down(_ *Peer, refused bool) {
	select {
	case r.down <- refused:
	default:
	}
}

// await waits for one thing.
func await[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(20 * time.Second):
		t.Fatalf("no %s came", what)
	}
	return v
}

func authority(t testing.TB, cluster string) *Authority {
	t.Helper()
	a, err := NewAuthority(cluster, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func issue(t testing.TB, a *Authority, node string) Pair {
	t.Helper()
	p, err := a.Issue(node)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// certificates are those of a node.
func certificates(t testing.TB, a *Authority, node string) *Certificates {
	t.Helper()
	own := issue(t, a, node)
	c, err := NewCertificates(a.cluster, own.Certificate, own.Key, a.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// listen opens a port of a node.
func listen(t testing.TB, c *Certificates, h Handler) *Port {
	t.Helper()
	p, err := Open("127.0.0.1:0", c, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestPort_ParcelsAndMessagesComeWithTheNodeOfTheCertificate(t *testing.T) {
	ca := authority(t, "blue")
	a, b := newRecorder(), newRecorder()
	portA, portB := listen(t, certificates(t, ca, "a"), a), listen(t, certificates(t, ca, "b"), b)
	peer := portA.Connect(portB.Address())
	if got := await(t, "stream", a.up); got != "b" || peer.Address() != portB.Address() {
		t.Errorf("the stream is to %q", got)
	}
	for i := range 3 {
		peer.Parcel(fmt.Append(nil, "parcel ", i))
		if !peer.Message(fmt.Append(nil, "message ", i)) {
			t.Error("a message was not taken")
		}
	}
	for i := range 3 {
		if got := await(t, "parcel", b.parcels); got != fmt.Sprint("a: parcel ", i) {
			t.Error(got)
		}
		if got := await(t, "message", b.messages); got != fmt.Sprint("a: message ", i) {
			t.Error(got)
		}
	}
}

func TestPort_TheEndOfAProcessIsToldAtOnceAndItsRestartIsFound(t *testing.T) {
	ca := authority(t, "blue")
	a := newRecorder()
	portA, portB := listen(t, certificates(t, ca, "a"), a), listen(t, certificates(t, ca, "b"), newRecorder())
	address := portB.Address()
	peer := portA.Connect(address)
	await(t, "stream", a.up)
	portB.Close()
	for !await(t, "word that nobody listens", a.down) {
	}
	peer.Parcel([]byte("lost"))
	if peer.Message([]byte("lost")) {
		t.Error("a message was taken for a process that has ended")
	}
	again := newRecorder()
	portB, err := Open(address, certificates(t, ca, "b"), again)
	if err != nil {
		t.Skip("another process took the address: ", err)
	}
	t.Cleanup(portB.Close)
	await(t, "stream", a.up)
	peer.Parcel([]byte("parcel"))
	if got := await(t, "parcel", again.parcels); got != "a: parcel" {
		t.Error(got)
	}
	peer.Close()
}

func TestPort_AnAddressThatIsTakenIsAnError(t *testing.T) {
	ca := authority(t, "blue")
	port := listen(t, certificates(t, ca, "a"), newRecorder())
	if _, err := Open(port.Address(), certificates(t, ca, "b"), newRecorder()); err == nil {
		t.Error("two ports have one address")
	}
	if _, err := Open("nonsense", certificates(t, ca, "b"), newRecorder()); err == nil {
		t.Error("an address without a port is taken")
	}
}

// dialStream dials a port as a stream with a TLS configuration, and returns the error of the first byte.
func dialStream(t *testing.T, address string, cfg *tls.Config) (net.Conn, error) {
	t.Helper()
	conn, err := tls.Dial("tcp", address, cfg)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, err = conn.Read(make([]byte, 1))
	return conn, err
}

func TestPort_StrangersAreRefused(t *testing.T) {
	ca, other := authority(t, "blue"), authority(t, "blue")
	port := listen(t, certificates(t, ca, "a"), newRecorder())
	good := certificates(t, ca, "b").client(protocolStream)
	if _, err := dialStream(t, port.Address(), good.Clone()); err != nil {
		t.Fatal("a node is refused: ", err)
	}
	foreign := *ca // the same authority for another cluster
	foreign.cluster = "red"
	pair := issue(t, &foreign, "b")
	red, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	pair = issue(t, other, "b")
	forged, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*tls.Config){
		"without a certificate":         func(c *tls.Config) { c.Certificates = nil },
		"with one of another authority": func(c *tls.Config) { c.Certificates = []tls.Certificate{forged} },
		"with one of another cluster":   func(c *tls.Config) { c.Certificates = []tls.Certificate{red} },
		"without a protocol":            func(c *tls.Config) { c.NextProtos, c.VerifyConnection = nil, nil },
		"with TLS 1.2": func(c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
		},
		"with a protocol that nobody knows": func(c *tls.Config) { c.NextProtos = []string{"parley-stream/9"} },
	} {
		cfg := good.Clone()
		spoil(cfg)
		if _, err := dialStream(t, port.Address(), cfg); err == nil {
			t.Errorf("a node %s is let in", name)
		}
	}
}

func TestPort_ANodeDoesNotTalkToAnotherClustersPort(t *testing.T) {
	ca := authority(t, "blue")
	red := *ca
	red.cluster = "red"
	a := newRecorder()
	portA, portB := listen(t, certificates(t, ca, "a"), a), listen(t, certificates(t, &red, "b"), newRecorder())
	peer := portA.Connect(portB.Address())
	if refused := await(t, "word of the failure", a.down); refused {
		t.Error("somebody listens there")
	}
	if peer.Message([]byte("x")) {
		t.Error("a message was taken")
	}
}

func TestPort_AMessageThatIsTooLongEndsTheStream(t *testing.T) {
	ca := authority(t, "blue")
	port := listen(t, certificates(t, ca, "a"), newRecorder())
	conn, err := dialStream(t, port.Address(), certificates(t, ca, "b").client(protocolStream))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(binary.BigEndian.AppendUint32(nil, MaxMessage+1)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the stream goes on")
	}
}

func TestPort_NewCertificatesCountForTheNextConnection(t *testing.T) {
	old, next := authority(t, "blue"), authority(t, "blue")
	a := certificates(t, old, "a")
	recorder := newRecorder()
	port := listen(t, a, recorder)
	before := certificates(t, old, "b").client(protocolStream)
	conn, err := dialStream(t, port.Address(), before.Clone())
	if err != nil {
		t.Fatal(err)
	}
	own := issue(t, next, "a")
	if err := a.Set(own.Certificate, own.Key, next.Certificate); err != nil {
		t.Fatal(err)
	}
	if _, err := dialStream(t, port.Address(), before.Clone()); err == nil {
		t.Error("the old authority still counts")
	}
	if _, err := dialStream(t, port.Address(), certificates(t, next, "b").client(protocolStream)); err != nil {
		t.Error("the new authority does not count: ", err)
	}
	if _, err := conn.Write([]byte{0, 0, 0, 1, 'x'}); err != nil {
		t.Error(err)
	}
	if got := await(t, "message", recorder.messages); got != "b: x" {
		t.Errorf("the connection that was open brought %q", got)
	}
}

func TestCertificates_ThoseThatCannotServeAreRefusedAndTheOldOnesStay(t *testing.T) {
	ca := authority(t, "blue")
	own, red := issue(t, ca, "a"), *ca
	red.cluster = "red"
	foreign := issue(t, &red, "a")
	dotted := issue(t, ca, "a.b")
	c := certificates(t, ca, "a")
	for name, set := range map[string]func() error{
		"no key":          func() error { return c.Set(own.Certificate, nil, ca.Certificate) },
		"no authority":    func() error { return c.Set(own.Certificate, own.Key, []byte("x")) },
		"another cluster": func() error { return c.Set(foreign.Certificate, foreign.Key, ca.Certificate) },
		"a dotted name":   func() error { return c.Set(dotted.Certificate, dotted.Key, ca.Certificate) },
	} {
		if set() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if c.Node() != "a" {
		t.Error("the old ones are gone")
	}
	if _, err := NewCertificates("red", own.Certificate, own.Key, ca.Certificate); !errors.Is(err, ErrStranger) ||
		!strings.Contains(err.Error(), "red") {
		t.Error(err)
	}
}

func TestQueue_ItHasABoundAndIsEmptyWhenClosed(t *testing.T) {
	q := newQueue()
	if q.add([]byte("x")) {
		t.Error("a closed queue takes something")
	}
	q.set(true)
	for i := range 2 * queueCount {
		if taken := q.add([]byte("x")); taken != (i < queueCount) {
			t.Fatalf("%d: %v", i, taken)
		}
	}
	q.set(true)
	if q.add(make([]byte, queueBytes+1)) || !q.add(make([]byte, queueBytes)) || q.add([]byte("x")) {
		t.Error("the bytes have no bound")
	}
	q.set(false)
	q.set(true)
	q.add([]byte("new"))
	if got := q.take(t.Context()); len(got) != 1 || string(got[0]) != "new" {
		t.Errorf("the queue held %d", len(got))
	}
}
