package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// certified is a configuration with a certificate that is valid for some time from an hour ago.
func certified(t *testing.T) (file string, valid func(d time.Duration)) {
	t.Helper()
	dir := t.TempDir()
	file = filepath.Join(dir, "parley.yaml")
	rewrite(t, file, fmt.Sprintf("tls: {certificate: %[1]s/tls.pem, key: %[1]s/tls.key}\n%[2]s", dir,
		tenantYAML(firstKey, firstAPIKey)))
	return file, func(d time.Duration) {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour),
			NotAfter: time.Now().Add(d - time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		rewrite(t, filepath.Join(dir, "tls.pem"),
			string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
		rewrite(t, filepath.Join(dir, "tls.key"),
			string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	}
}

// F13: check fails for an expired certificate, and warns of one that expires soon.
func TestCheck_SaysThatACertificateHasExpiredOrSoonWill(t *testing.T) {
	t.Parallel()
	file, valid := certified(t)
	valid(time.Minute)
	if got := parley(t, nil, "check", "--config", file); got.status != 1 ||
		!strings.Contains(got.stdout, "parley.yaml:1: tls.certificate: expired on ") {
		t.Errorf("expired: %d %q %q", got.status, got.stdout, got.stderr)
	}
	valid(24 * time.Hour)
	if got := parley(t, nil, "check", "--config", file); got.status != 0 || got.stdout != "ok\n" ||
		!strings.Contains(got.stderr, "warning: "+file+":1: tls.certificate: expires on ") {
		t.Errorf("expires soon: %d %q %q", got.status, got.stdout, got.stderr)
	}
	valid(365 * 24 * time.Hour)
	if got := parley(t, nil, "check", "--config", file); got.status != 0 || got.stdout != "ok\n" || got.stderr != "" {
		t.Errorf("good: %d %q %q", got.status, got.stdout, got.stderr)
	}
}

// F13: a start, and a reload, with an expired certificate says so and serves.
func TestServe_SaysThatItsCertificateHasExpired(t *testing.T) {
	t.Parallel()
	file, valid := certified(t)
	valid(time.Minute)
	r := serve(t, nil, "--config", file)
	if line := r.log.contains(t, "tls.certificate: expired on "); !strings.Contains(line, `"level":"ERROR"`) {
		t.Error(line)
	}
	valid(24 * time.Hour)
	r.signal(syscall.SIGHUP)
	if line := r.log.contains(t, "tls.certificate: expires on "); !strings.Contains(line, `"level":"WARN"`) {
		t.Error(line)
	}
}
