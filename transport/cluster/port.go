package cluster

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"

	"google.golang.org/grpc"
)

// ErrBusy is the error of a handshake beside too many others.
var ErrBusy = errors.New("too many handshakes at once")

// Handler takes what comes in. Its methods may be called from many goroutines at once, but for one peer's parcels and
// one peer's messages in their order. While one of them blocks, that peer's bytes are not read.
type Handler interface {
	// Parcel takes a parcel of a link, sent with [Peer.Parcel]. from is the node in the sender's certificate. It may
	// keep the parcel.
	Parcel(from string, parcel []byte)
	// Message takes a message of a stream, sent with [Peer.Message]. It may keep it.
	Message(from string, message []byte)
	// Up says that the stream to a peer is open, and which node that is.
	Up(p *Peer, node string)
	// Down says that a stream has ended or could not be opened. refused says that nobody listens at the address.
	Down(p *Peer, refused bool)
}

// Port is the port of one node. Many goroutines may use it at once.
type Port struct {
	// Static after Open.
	handler      Handler
	certificates *Certificates
	secure       *handshake
	server       *grpc.Server
	address      string

	work sync.WaitGroup // all goroutines of the port but gRPC's

	mu      sync.Mutex
	closed  bool
	streams map[net.Conn]bool // of others to this node
	peers   map[*Peer]bool
}

// Open opens the port at host:port; with port 0 at a free one.
func Open(address string, certificates *Certificates, handler Handler) (*Port, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("open the port of the cluster: %w", err)
	}
	p := &Port{
		handler: handler, certificates: certificates, address: listener.Addr().String(),
		streams: map[net.Conn]bool{}, peers: map[*Peer]bool{},
	}
	p.secure = &handshake{certificates: certificates, running: make(chan struct{}, maxHandshakes), stream: p.accept}
	p.server = newServer(certificates, handler, p.secure)
	p.work.Go(func() { _ = p.server.Serve(listener) }) // it ends with Close
	return p, nil
}

// Address is where the port listens.
func (p *Port) Address() string { return p.address }

// Close closes the port and all connections, and waits until their goroutines have ended.
func (p *Port) Close() {
	p.mu.Lock()
	p.closed = true
	for conn := range p.streams {
		_ = conn.Close()
	}
	for peer := range p.peers {
		peer.cancel()
	}
	p.mu.Unlock()
	p.server.Stop()
	p.work.Wait()
}

// accept reads a stream of another node to this one.
func (p *Port) accept(conn *tls.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = conn.Close()
		return
	}
	p.streams[conn] = true
	p.work.Go(func() {
		node := p.certificates.nodeOf(conn.ConnectionState().PeerCertificates[0])
		readMessages(conn, func(message []byte) { p.handler.Message(node, message) })
		_ = conn.Close()
		p.mu.Lock()
		delete(p.streams, conn)
		p.mu.Unlock()
	})
}
