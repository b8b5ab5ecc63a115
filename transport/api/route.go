package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// route is one call. A segment of the path in braces matches any one segment; what it matched is decoded after the
// matching, so that "a%2Fb" is one segment.
type route struct {
	method, path string
	// who may call; the zero value is a backend with its key.
	who caller
	// any takes every method; rest lets the last segment match any number of segments; alone takes no other method from a
	// path that matches this one.
	any, rest, alone bool

	do func(*API, context.Context, *exchange) error

	took func() prometheus.Observer // set by add
}

// caller is who a call is for, which says what has to be shown.
type caller int

const (
	backend  caller = iota // an API key, which says whose backend it is
	anyone                 // nothing
	user                   // a user's own token, of the tenant that sockets of this request belong to
	outpost                // an outpost's own token, of that tenant
	operator               // who runs the server: the admin key if there is one
)

// own reports whether callers show a token of their own. Their errors say what is wrong in a member detail as well, as
// the originals of these calls do.
func (c caller) own() bool { return c == user || c == outpost }

// mux is the pattern of the path in a ServeMux.
func (r *route) mux() string {
	switch {
	case r.rest:
		return strings.TrimSuffix(r.path, "}") + "...}"
	case r.alone:
		return r.pattern()
	}
	return r.path
}

func (r *route) pattern() string { return r.method + " " + r.path }

// calls are what backends can do.
var calls = []route{
	{method: "POST", path: "/api/v1/publish", do: (*API).publish},
	{method: "POST", path: "/api/v1/batch", do: (*API).batch},
	{method: "GET", path: "/api/v1/users/{user}", do: (*API).user},
	{method: "POST", path: "/api/v1/users/{user}/disconnect", do: (*API).disconnectUser},
	{method: "GET", path: "/api/v1/users", do: (*API).user},
	{method: "POST", path: "/api/v1/users/disconnect", alone: true, do: (*API).disconnectUser},
	{method: "GET", path: "/api/v1/connections", do: (*API).connections},
	{method: "GET", path: "/api/v1/connections/{id}", do: (*API).connection},
	{method: "DELETE", path: "/api/v1/connections/{id}", do: (*API).disconnect},
	{method: "GET", path: "/api/v1/topics", do: (*API).topics},
	{method: "GET", path: "/api/v1/topics/{topic}/history", do: (*API).history},
	{method: "GET", path: "/api/v1/topics/history", do: (*API).history},
	{method: "GET", path: "/api/v1/stats", do: (*API).stats},
	{method: "POST", path: "/api/v1/revoke", do: (*API).revoke},
	{method: "DELETE", path: "/api/v1/revoke", do: (*API).unrevoke},
	{method: "GET", path: "/api/v1/outposts", do: (*API).outposts},
	{method: "GET", path: "/api/v1/outposts/{uuid}", do: (*API).outpost},
	{method: "POST", path: "/api/v1/ws/ticket", who: user, do: (*API).ticket},
	{method: "GET", path: "/api/v3/outposts/instances/", who: outpost, any: true, do: (*API).outpostCall},
	{method: "GET", path: "/api/v3/root/config/", who: outpost, any: true, do: (*API).outpostCall},
	{method: "GET", path: "/api/v3/{path}", who: outpost, any: true, rest: true, do: (*API).outpostCall},
}

// views are for those who run the server.
var views = []route{
	{method: "GET", path: "/healthz", who: anyone, do: (*API).healthz},
	{method: "GET", path: "/readyz", who: anyone, do: (*API).readyz},
	{method: "GET", path: "/metrics", who: anyone, do: (*API).metrics},
	{method: "GET", path: "/openapi.json", who: anyone, do: (*API).openapi},
	{method: "POST", path: "/api/v1/admin/backup", who: operator, do: (*API).backup},
	{method: "GET", path: "/api/v1/admin/tenants", who: operator, do: (*API).tenants},
	{method: "POST", path: "/api/v1/admin/tenants/{tenant}/drain", who: operator, do: (*API).drainTenant},
	{method: "POST", path: "/api/v1/admin/tenants/{tenant}/restart", who: operator, do: (*API).restartTenant},
	{method: "POST", path: "/api/v1/admin/tenants/{tenant}/suspend", who: operator, do: (*API).suspendTenant},
	{method: "POST", path: "/api/v1/admin/tenants/{tenant}/resume", who: operator, do: (*API).resumeTenant},
}

// door is one path with the routes of its methods.
type door struct {
	api     *API
	routes  []*route
	allow   string
	unknown bool // nothing is behind it
	shared  bool // web pages make these calls, across origins too
}

func (d *door) add(r route) {
	r.took = d.api.meter.observer(r.pattern())
	d.routes = append(d.routes, &r)
	d.shared = d.shared || r.who == user
	methods := make([]string, 0, 4)
	for _, r := range d.routes {
		methods = append(methods, r.method)
		if r.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	d.allow = strings.Join(append(methods, http.MethodOptions), ", ")
}

// find returns the route of a method, nil if there is none. HEAD is GET without a body.
func (d *door) find(method string) *route {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for _, r := range d.routes {
		if r.method == method || r.any {
			return r
		}
	}
	return nil
}
