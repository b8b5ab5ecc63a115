package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Bounds of a call that is forwarded.
const (
	upstreamTime   = 25 * time.Second // all of a call; the server's own WriteTimeout is longer
	upstreamDial   = 5 * time.Second
	upstreamAnswer = 64 << 20 // bytes
	upstreamWords  = 64 << 10 // bytes of an error; more are cut off
	upstreamConns  = 64
	// upstreamQuiet is the least time between two log lines that the upstream fails.
	upstreamQuiet = time.Minute
)

// upstream is the real authentik.
type upstream struct {
	base  *url.URL
	proxy *httputil.ReverseProxy
}

// errUpstream is another refusal for which protocol.Reason has no word: the upstream did not answer, or not as it
// should.
var errUpstream = errors.New("authentik did not answer as it should; the log of this server says more")

// Upstream forwards calls below /api/v3/ to the real authentik at base, whose path goes before theirs; nil forwards
// none. Calls that are being forwarded go on.
func (a *API) Upstream(base *url.URL) {
	var next *upstream
	if base != nil {
		next = &upstream{base: base, proxy: a.reverseProxy(base)}
	}
	before := a.upstream.Load()
	if before != nil && next != nil && *before.base == *next.base {
		return // and keep its connections
	}
	if a.upstream.Store(next); before != nil {
		before.proxy.Transport.(*http.Transport).CloseIdleConnections()
	}
}

func (a *API) reverseProxy(base *url.URL) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport: &http.Transport{ // no proxy of the environment, and no redirect is followed
			DialContext:         (&net.Dialer{Timeout: upstreamDial}).DialContext,
			TLSHandshakeTimeout: upstreamDial, ForceAttemptHTTP2: true,
			MaxConnsPerHost: upstreamConns, MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute,
			MaxResponseHeaderBytes: 64 << 10, DisableCompression: true,
		},
		Rewrite:        func(r *httputil.ProxyRequest) { a.rewrite(base, r) },
		ModifyResponse: a.limitResponse,
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) {
			forwardedOf(r.Context()).err = err
		},
		ErrorLog: a.errorLog,
	}
}

// forwardedCall is a call that is being forwarded, and its error. The context of its request has it.
type forwardedCall struct {
	rc  *requestContext
	err error
}

type forwardedKey struct{}

func forwardedOf(ctx context.Context) *forwardedCall {
	f, _ := ctx.Value(forwardedKey{}).(*forwardedCall)
	return f
}

// via is what this server adds to the header Via.
const via = "1.1 parley"

// forward lets the upstream answer, and passes on whatever that is. It refuses a path that leads elsewhere once it is
// decoded.
func (a *API) forward(up *upstream, rc *requestContext) error {
	if at := rc.r.URL.Path; path.Clean(at) != strings.TrimSuffix(at, "/") {
		return protocol.Refuse(protocol.NotFound, "the path is not written plainly")
	}
	if strings.Contains(strings.Join(rc.r.Header["Via"], ","), via) {
		return a.upstreamFailed(rc, errors.New("authentik.upstream leads back to this server"))
	}
	f := &forwardedCall{rc: rc}
	ctx, cancel := context.WithTimeout(context.WithValue(rc.r.Context(), forwardedKey{}, f), upstreamTime)
	defer cancel()
	if rc.r.ContentLength != 0 {
		// Not every ResponseWriter can do this; the server's own can.
		_ = http.NewResponseController(rc.w).SetReadDeadline(time.Now().Add(upstreamTime))
	}
	r := rc.r.WithContext(ctx)
	r.Body = http.MaxBytesReader(rc.w, rc.r.Body, int64(a.cfg.MaxBody))
	up.proxy.ServeHTTP(rc.w, r)
	if f.err == nil {
		rc.written = true
		return nil
	}
	if _, large := errors.AsType[*http.MaxBytesError](f.err); large {
		return tooLarge(a.cfg.MaxBody)
	}
	return a.upstreamFailed(rc, f.err)
}

// upstreamFailed logs the cause, at most once in upstreamQuiet, and delays the response.
func (a *API) upstreamFailed(rc *requestContext, err error) error {
	now := time.Now().UnixNano()
	last := a.upstreamLogged.Load()
	if (last == 0 || now-last >= int64(upstreamQuiet)) && a.upstreamLogged.CompareAndSwap(last, now) {
		a.cfg.Logger.Warn("authentik.upstream does not answer", "cause", printable(err))
	}
	a.delay(rc)
	return errUpstream
}

// rewrite makes the upstream's request of a client's: with its headers but for those of its connection, the upstream's
// host, and the client's address.
func (a *API) rewrite(base *url.URL, r *httputil.ProxyRequest) {
	r.SetURL(base)
	r.Out.Header.Del("Connection") // with Upgrade: no socket is opened this way
	r.Out.Header.Del("Upgrade")
	r.SetXForwarded()
	if a.cfg.Forwarded != nil {
		address, scheme, host := a.cfg.Forwarded(r.In)
		r.Out.Header.Set("X-Forwarded-For", address)
		r.Out.Header.Set("X-Forwarded-Proto", scheme)
		r.Out.Header.Set("X-Forwarded-Host", host)
	}
	r.Out.Header.Add("Via", via)
}

// limitResponse bounds what is passed on. It delays a response that makes an outpost ask in a loop, once it has left
// the upstream's connection.
func (a *API) limitResponse(r *http.Response) error {
	rc := forwardedOf(r.Request.Context()).rc
	if r.ContentLength > upstreamAnswer {
		return errors.New("its answer is larger than 64 MiB")
	}
	if rc.status = r.StatusCode; rc.status >= http.StatusInternalServerError {
		words, err := io.ReadAll(io.LimitReader(r.Body, upstreamWords))
		r.Body.Close()
		if err != nil {
			return err
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(words)), int64(len(words))
		r.Header.Set("Content-Length", strconv.Itoa(len(words)))
		a.delay(rc)
	}
	r.Body = &limitedBody{ReadCloser: r.Body, left: upstreamAnswer}
	return nil
}

// limitedBody is a body that fails when it is longer than left.
type limitedBody struct {
	io.ReadCloser
	left int // bytes
}

// Read implements io.Reader.
func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errors.New("the answer is larger than 64 MiB")
	}
	return n, err
}
