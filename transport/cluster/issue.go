package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// How long what an Authority issues is good.
const (
	authorityYears = 10
	nodeYears      = 2
)

// Pair is a certificate and its key, as PEM blocks.
type Pair struct{ Certificate, Key []byte }

// Authority signs the certificates of a cluster's nodes.
type Authority struct {
	Pair
	cluster string
	now     time.Time
	key     *ecdsa.PrivateKey
	parent  *x509.Certificate
}

// NewAuthority makes the authority of a cluster.
func NewAuthority(cluster string, now time.Time) (*Authority, error) {
	a := &Authority{cluster: cluster, now: now}
	own := a.template("Parley cluster "+cluster, authorityYears)
	own.IsCA, own.BasicConstraintsValid, own.KeyUsage = true, true, x509.KeyUsageCertSign
	var err error
	a.Pair, a.key, err = a.sign(own, own)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(a.Certificate)
	a.parent, err = x509.ParseCertificate(block.Bytes)
	return a, err
}

// Issue makes the certificate of a node. name has no dot.
func (a *Authority) Issue(name string) (Pair, error) {
	own := a.template(name, nodeYears)
	own.DNSNames = []string{a.cluster + domain, name + "." + a.cluster + domain}
	own.KeyUsage = x509.KeyUsageDigitalSignature
	own.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	pair, _, err := a.sign(own, a.parent)
	return pair, err
}

func (a *Authority) template(name string, years int) *x509.Certificate {
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err) // rand.Reader does not fail
	}
	return &x509.Certificate{
		SerialNumber: number,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    a.now.Add(-time.Hour), // clocks differ
		NotAfter:     a.now.AddDate(years, 0, 0),
	}
}

// sign makes a key and signs its certificate; the authority's own is signed with that key.
func (a *Authority) sign(own, parent *x509.Certificate) (Pair, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, nil, err
	}
	signer := a.key
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, own, parent, &key.PublicKey, signer)
	if err != nil {
		return Pair{}, nil, fmt.Errorf("certificate of %s: %w", own.Subject.CommonName, err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, nil, err
	}
	return Pair{
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
	}, key, nil
}
