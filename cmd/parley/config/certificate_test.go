package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/protocols"
)

// span is the validity of a certificate, from now.
type span struct{ from, until time.Duration }

// chain writes certificates, the server's first, and the key of that one.
func chain(t *testing.T, spans ...span) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for i, s := range spans {
		template := &x509.Certificate{SerialNumber: big.NewInt(int64(i + 1)), DNSNames: []string{"push.example.org"},
			NotBefore: time.Now().Add(s.from), NotAfter: time.Now().Add(s.until)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "tls.pem"), filepath.Join(dir, "tls.key")
	for path, text := range map[string][]byte{certificate: text,
		key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}

// F13: a certificate, or one of its chain, that clients refuse now or soon is named with its setting; none is a reason
// not to start.
func TestLoad_CertificatesThatClientsRefuseOrSoonWillAreNamed(t *testing.T) {
	const day = 24 * time.Hour
	year := span{-day, 365 * day}
	for _, c := range []struct {
		name             string
		chain            []span
		hosts            string
		refused, warning string
	}{
		{name: "good", chain: []span{year, year}},
		{name: "expired", chain: []span{{-2 * day, -day}}, refused: "expired on "},
		{name: "expired a moment ago", chain: []span{{-2 * day, -time.Minute}}, refused: "expired on "},
		{name: "an expired one in the chain", chain: []span{year, {-2 * day, -day}}, refused: "expired on "},
		{name: "not valid yet", chain: []span{{day, 2 * day}}, refused: "is not valid before "},
		{name: "15 days left", chain: []span{{-day, 15 * day}}},
		{name: "13 days left", chain: []span{{-day, 13 * day}}, warning: "expires on "},
		{name: "13 days left of the chain", chain: []span{year, {-day, 13 * day}}, warning: "expires on "},
		{name: "its host", chain: []span{year}, hosts: "push.example.org"},
		{name: "another host", chain: []span{year}, hosts: "other.example.org",
			warning: "is not for other.example.org"},
	} {
		t.Run(c.name, func(t *testing.T) {
			certificate, key := chain(t, c.chain...)
			file := filepath.Join(t.TempDir(), "parley.yaml")
			hosts := ""
			if c.hosts != "" {
				hosts = ", hosts: [" + c.hosts + "]"
			}
			text := fmt.Sprintf("tls:\n  certificate: %s\n  key: %s\ntenants: [{name: acme, api_keys: "+
				"[0123456789abcdef0123]%s}]\n", certificate, key, hosts)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			l := Load(Sources{Protocols: protocols.All, File: file})
			if len(l.Problems) > 0 {
				t.Fatal(l.Problems)
			}
			wantOne(t, "refused", l.Refused, c.refused)
			wantOne(t, "warnings", append(l.Warnings, l.Expiring...), c.warning)
		})
	}
}

// wantOne wants one problem with tls.certificate in line 2 that says something, or none for "".
func wantOne(t *testing.T, what string, got Problems, text string) {
	t.Helper()
	if text == "" {
		if len(got) > 0 {
			t.Errorf("%s: %v", what, got)
		}
		return
	}
	if len(got) != 1 || !strings.Contains(got[0].String(), "parley.yaml:2: tls.certificate: "+text) {
		t.Errorf("%s: %v, want one that says %q", what, got, text)
	}
}
