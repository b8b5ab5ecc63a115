package run

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/parley-realtime/parley/bench/process"
)

// serverName is the name that the certificate is for.
const serverName = "localhost"

// certificate is that of a run with TLS: an ECDSA key on P-256, as public authorities certify them, signed by itself.
type certificate struct {
	process.Certificate
	folder string
	pool   *x509.CertPool
}

// newCertificate makes a certificate in a folder of its own.
func newCertificate() (*certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: serverName},
		DNSNames: []string{serverName}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	c := &certificate{pool: x509.NewCertPool()}
	if c.folder, err = os.MkdirTemp("", "certificate"); err != nil {
		return nil, err
	}
	c.Chain, c.Key = filepath.Join(c.folder, "chain.pem"), filepath.Join(c.folder, "key.pem")
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	c.pool.AppendCertsFromPEM(chain)
	err = errors.Join(os.WriteFile(c.Chain, chain, 0o600), os.WriteFile(c.Key,
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return c, err
}

// client is how clients speak TLS 1.3 with the server. If they resume, each takes the last ticket that one of them got.
func (c *certificate) client(resume bool) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS13, ServerName: serverName, RootCAs: c.pool}
	if resume {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	}
	return config
}

// remove removes the files.
func (c *certificate) remove() { _ = os.RemoveAll(c.folder) }
