package console

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/api"
)

// call makes a call of the HTTP API for the tenant that the path names: /console/api/t/TENANT/v1/connections is
// /api/v1/connections.
func (c *Console) call(w http.ResponseWriter, r *http.Request) {
	rest := strings.TrimPrefix(r.URL.EscapedPath(), "/console/api/t/")
	_, rest, _ = strings.Cut(rest, "/")
	c.forward(w, r, c.cfg.Calls, r.PathValue("tenant"), "/api/"+rest)
}

// callAdmin makes a call of operators: /console/api/admin/tenants is /api/v1/admin/tenants.
func (c *Console) callAdmin(w http.ResponseWriter, r *http.Request) {
	c.forward(w, r, c.cfg.Admin, "", "/api/v1/admin/"+strings.TrimPrefix(r.URL.EscapedPath(), "/console/api/admin/"))
}

// forward hands a request on if the person may make it. A call that changes something is logged.
func (c *Console) forward(w http.ResponseWriter, r *http.Request, to http.Handler, tenant, path string) {
	p, looks := c.gate.identify(r), onlyLooks(r.Method, path)
	switch {
	case p.role == nobody:
		respondRefusal(w, errStranger)
		return
	case p.role == viewer && !looks:
		respondRefusal(w, protocol.Refuse(protocol.Forbidden,
			"the viewer key changes nothing and reads nobody's messages; this needs the admin key"))
		return
	}
	target := api.Trust(r, tenant)
	target.URL = &url.URL{RawPath: path, RawQuery: r.URL.RawQuery}
	var err error
	if target.URL.Path, err = url.PathUnescape(path); err != nil {
		respondRefusal(w, protocol.Refuse(protocol.Malformed, "the path cannot be read"))
		return
	}
	target.Header = r.Header.Clone()
	target.Header.Del("Origin") // the API would take it for a page of a user
	recorder := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	to.ServeHTTP(recorder, target)
	if !looks {
		c.cfg.Logger.Info("an operator acted in the console", "role", p.role, "session", p.number,
			"from", r.RemoteAddr, "tenant", tenant, "method", r.Method, "path", target.URL.Path,
			"status", recorder.status)
	}
}

// onlyLooks reports whether a call changes nothing and shows no messages as they are sent.
func onlyLooks(method, path string) bool {
	switch {
	case strings.HasSuffix(path, "/tap"):
		return false
	case path == "/api/v1/explain":
		return true
	}
	return method == http.MethodGet || method == http.MethodHead
}

// statusWriter remembers the status of a response.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
