package jwks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Bounds of one fetch.
const (
	timeout      = 5 * time.Second
	maxDocument  = 1 << 20  // bytes
	maxHeaders   = 16 << 10 // bytes
	maxRedirects = 3
)

// Config is the configuration of a Refresher.
type Config struct {
	// URL is where the set is: see CheckURL.
	URL string
	// Roots are the trusted certificate authorities; nil are those of the system, or of SSL_CERT_FILE.
	Roots *x509.CertPool
	// Transport makes the calls; nil is the Refresher's own.
	Transport http.RoundTripper
	// Logger gets a line when the set cannot be fetched and when it can be again; nil discards them.
	Logger *slog.Logger
}

// CheckURL says what is wrong with an address, without repeating it.
func CheckURL(text string) error {
	at, err := url.Parse(text)
	switch {
	case err != nil || at.Hostname() == "" || at.Scheme != "https" && at.Scheme != "http":
		return errors.New("must be an address such as https://id.example/.well-known/jwks.json")
	case at.User != nil || at.Fragment != "":
		return errors.New("holds a password or a fragment; a key set is public")
	case at.Scheme == "http" && !isLoopback(at.Hostname()):
		return errors.New("must be https: over http anybody on the way could put keys of their own in; " +
			"only loopback may have http")
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Fetch gets the document once. It may block for 5 s. The error holds no address but the host.
func Fetch(ctx context.Context, cfg Config) ([]byte, error) {
	f, err := newFetcher(cfg)
	if err != nil {
		return nil, err
	}
	document, _, err := f.fetch(ctx)
	return document, err
}

// fetcher gets the document of one URL.
type fetcher struct {
	url    *url.URL
	client http.Client
}

func newFetcher(cfg Config) (*fetcher, error) {
	if err := CheckURL(cfg.URL); err != nil {
		return nil, err
	}
	at, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, err // CheckURL has parsed it
	}
	f := &fetcher{url: at, client: http.Client{Transport: cfg.Transport, CheckRedirect: checkRedirect}}
	if cfg.Transport == nil {
		f.client.Transport = &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12},
			DialContext:     (&net.Dialer{Timeout: timeout}).DialContext, TLSHandshakeTimeout: timeout,
			MaxResponseHeaderBytes: maxHeaders, DisableCompression: true, DisableKeepAlives: true,
			ForceAttemptHTTP2: true,
		}
	}
	return f, nil
}

var errRedirect = fmt.Errorf("it redirects to another host or scheme, or more than %d times; "+
	"set the address that it redirects to", maxRedirects)

// checkRedirect allows redirects on the same host and scheme.
func checkRedirect(next *http.Request, before []*http.Request) error {
	if len(before) > maxRedirects || next.URL.Scheme != before[0].URL.Scheme ||
		origin(next.URL) != origin(before[0].URL) {
		return errRedirect
	}
	return nil
}

func origin(at *url.URL) string {
	port := at.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[at.Scheme]
	}
	return strings.ToLower(at.Hostname()) + ":" + port
}

// fetch also returns how long the document is fresh.
func (f *fetcher) fetch(ctx context.Context) (document []byte, fresh time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url.String(), nil)
	if err != nil {
		return nil, 0, errors.New("the address cannot be asked")
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	request.Header.Set("User-Agent", "parley")
	response, err := f.client.Do(request)
	if err != nil {
		return nil, 0, withoutURL(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("the status is %d, wanted is 200", response.StatusCode)
	}
	document, err = io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	switch {
	case err == nil && ctx.Err() != nil: // the end of the connection may look like that of the body
		return nil, 0, withoutURL(ctx.Err())
	case err != nil:
		return nil, 0, withoutURL(err)
	case len(document) > maxDocument:
		return nil, 0, fmt.Errorf("the answer has more than %d bytes", maxDocument)
	}
	return document, freshness(response.Header, time.Now()), nil
}

// withoutURL removes the address from an error.
func withoutURL(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s", timeout)
	}
	return err
}

// freshness returns how long an answer may be used (RFC 9111 section 4.2), without bounds.
func freshness(header http.Header, now time.Time) time.Duration {
	age, _ := seconds(header.Get("Age"))
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-cache", "no-store":
			return 0
		case "max-age":
			if most, ok := seconds(strings.Trim(value, `"`)); ok {
				return most - age
			}
			return 0
		}
	}
	if header.Get("Expires") == "" {
		return defaultAge
	}
	expires, err := http.ParseTime(header.Get("Expires"))
	if err != nil {
		return 0 // an invalid date counts as one in the past
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date // compares two times of the source's clock
	}
	return expires.Sub(now) - age
}

// seconds reads a number of seconds, of which more than a day counts as a day.
func seconds(text string) (time.Duration, bool) {
	n, err := strconv.ParseUint(text, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		n, err = 1<<62, nil
	}
	return time.Duration(min(n, 24*3600)) * time.Second, err == nil
}
