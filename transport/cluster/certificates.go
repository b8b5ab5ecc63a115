package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
)

// domain ends the names in certificates.
const domain = ".parley-cluster"

// ErrStranger is the error of a handshake with a certificate that is not one of this cluster's nodes.
var ErrStranger = errors.New("the certificate names no node of this cluster")

// Certificates are what a node shows and whom it trusts. Many goroutines may use them at once.
type Certificates struct {
	cluster string // static
	now     atomic.Pointer[identity]
}

// identity is a certificate with the authority that has signed those of the other nodes.
type identity struct {
	own  tls.Certificate
	pool *x509.CertPool
}

// NewCertificates makes the certificates of a node from PEM blocks. The error says which part is wrong.
func NewCertificates(cluster string, certificate, key, authority []byte) (*Certificates, error) {
	c := &Certificates{cluster: cluster}
	return c, c.Set(certificate, key, authority)
}

// Set replaces them. The next handshakes use the new ones, and connections that are open stay. After an error the old
// ones stay in use.
func (c *Certificates) Set(certificate, key, authority []byte) error {
	own, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return fmt.Errorf("certificate of the node: %w", err)
	}
	if c.nodeOf(own.Leaf) == "" {
		return fmt.Errorf("certificate of the node: %w %q", ErrStranger, c.cluster)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return errors.New("the file of the authority has no certificate")
	}
	c.now.Store(&identity{own, pool})
	return nil
}

// Node is the name of the node that the certificate is for.
func (c *Certificates) Node() string { return c.nodeOf(c.now.Load().own.Leaf) }

// nodeOf is the name of the node of a certificate, "" if it is of another cluster.
func (c *Certificates) nodeOf(certificate *x509.Certificate) string {
	for _, name := range certificate.DNSNames {
		node, ours := strings.CutSuffix(name, "."+c.cluster+domain)
		if ours && node != "" && !strings.Contains(node, ".") {
			return node
		}
	}
	return ""
}

// server is the configuration of the side that is dialled.
func (c *Certificates) server() *tls.Config {
	now := c.now.Load()
	return &tls.Config{
		Certificates:           []tls.Certificate{now.own},
		ClientCAs:              now.pool,
		ClientAuth:             tls.RequireAndVerifyClientCert,
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{protocolActors, protocolStream},
		VerifyConnection:       c.verify,
		SessionTicketsDisabled: true, // a resumed session would not look at the new authority
	}
}

// client is the configuration of the side that dials.
func (c *Certificates) client(protocol string) *tls.Config {
	now := c.now.Load()
	return &tls.Config{
		Certificates:     []tls.Certificate{now.own},
		RootCAs:          now.pool,
		ServerName:       c.cluster + domain,
		MinVersion:       tls.VersionTLS13,
		NextProtos:       []string{protocol},
		VerifyConnection: c.verify,
	}
}

// verify refuses the nodes of other clusters.
func (c *Certificates) verify(s tls.ConnectionState) error {
	if s.NegotiatedProtocol == "" || c.nodeOf(s.PeerCertificates[0]) == "" {
		return ErrStranger
	}
	return nil
}
