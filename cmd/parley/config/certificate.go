package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// Validity is the time in which clients take a certificate and all of its chain.
type Validity struct{ From, Until time.Time }

// expiryWarning is how long before its end a certificate is warned about.
const expiryWarning = 14 * 24 * time.Hour

// ValidityOf is the validity of a certificate with its chain.
func ValidityOf(pair *tls.Certificate) (Validity, error) {
	var v Validity
	for _, der := range pair.Certificate {
		one, err := x509.ParseCertificate(der)
		if err != nil {
			return v, err
		}
		if v.From.Before(one.NotBefore) {
			v.From = one.NotBefore
		}
		if v.Until.IsZero() || one.NotAfter.Before(v.Until) {
			v.Until = one.NotAfter
		}
	}
	return v, nil
}

// Refused says why clients refuse the certificate at a time; "" if they do not.
func (v Validity) Refused(now time.Time) string {
	switch {
	case now.After(v.Until):
		return "expired on " + v.Until.UTC().Format(time.RFC3339) + "; clients refuse it"
	case now.Before(v.From):
		return "is not valid before " + v.From.UTC().Format(time.RFC3339) + "; clients refuse it"
	}
	return ""
}

// EndsSoon says that the certificate, which clients take now, ends soon; "" if it does not.
func (v Validity) EndsSoon(now time.Time) string {
	if v.Refused(now) != "" || now.Add(expiryWarning).Before(v.Until) {
		return ""
	}
	return "expires on " + v.Until.UTC().Format(time.RFC3339) + "; renew it and reload (SIGHUP)"
}

// checkCertificate checks the times and names of a certificate. A server starts with one that clients refuse, since
// some clients do not care and the others say why; so that is no problem of the configuration.
func checkCertificate(c *Config, pair *tls.Certificate, d *Diagnostics) {
	v, err := ValidityOf(pair)
	if err != nil {
		d.addProblem("tls.certificate", "cannot be read: "+err.Error())
		return
	}
	now := time.Now()
	if text := v.Refused(now); text != "" {
		d.Refused = append(d.Refused, d.locator.problem("tls.certificate", text))
	}
	if text := v.EndsSoon(now); text != "" {
		d.Expiring = append(d.Expiring, d.locator.problem("tls.certificate", text))
	}
	for _, host := range hostnames(c) {
		if pair.Leaf.VerifyHostname(host) != nil {
			d.addWarning("tls.certificate", fmt.Sprintf("is not for %s, which hosts names", host))
		}
	}
}

// hostnames are the names under which clients are expected, each once.
func hostnames(c *Config) []string {
	var all []string
	for i := range c.Tenants {
		all = append(all, c.Tenants[i].Hosts...)
	}
	for i := range c.Hosts {
		all = append(all, c.Hosts[i].Name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
