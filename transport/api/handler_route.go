package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// route is one call. A segment of the path in braces matches any one segment, which is decoded after the match, so that
// "a%2Fb" is one segment.
type route struct {
	method, path string
	// principal may make the call; the zero value is a backend with its key.
	principal principal
	// anyMethod takes every method; anySuffix lets the last segment match any number of segments; onlyMethod leaves the
	// other methods of the path to other routes that match it.
	anyMethod, anySuffix, onlyMethod bool

	call func(*API, context.Context, *requestContext) error

	duration func() prometheus.Observer // in seconds; set by add
}

// principal is the kind of caller that a call is for, which says what the caller has to show.
type principal int

const (
	backend  principal = iota // an API key, which names the tenant
	anyone                    // nothing
	user                      // a user's own token, of the tenant that sockets of this request belong to
	outpost                   // an outpost's own token, of that tenant
	operator                  // the admin key if there is one
	admin                     // the same, and never the viewer key
)

// hasOwnToken reports whether callers show a token of their own. Their errors have a member detail as well, as those of
// the original servers do.
func (p principal) hasOwnToken() bool { return p == user || p == outpost }

// muxPattern is the route's pattern in a ServeMux.
func (r *route) muxPattern() string {
	switch {
	case r.anySuffix:
		return strings.TrimSuffix(r.path, "}") + "...}"
	case r.onlyMethod:
		return r.pattern()
	}
	return r.path
}

func (r *route) pattern() string { return r.method + " " + r.path }

// publicRoutes are the calls of backends, users and outposts.
var publicRoutes = []route{
	{method: "POST", path: "/api/v1/publish", call: (*API).publish},
	{method: "POST", path: "/api/v1/batch", call: (*API).batch},
	{method: "GET", path: "/api/v1/users/{user}", call: (*API).user},
	{method: "POST", path: "/api/v1/users/{user}/disconnect", call: (*API).disconnectUser},
	{method: "GET", path: "/api/v1/users", call: (*API).user},
	{method: "POST", path: "/api/v1/users/disconnect", onlyMethod: true, call: (*API).disconnectUser},
	{method: "GET", path: "/api/v1/connections", call: (*API).connections},
	{method: "GET", path: "/api/v1/connections/{id}", call: (*API).connection},
	{method: "DELETE", path: "/api/v1/connections/{id}", call: (*API).disconnect},
	{method: "GET", path: "/api/v1/refusals", call: (*API).refusals},
	{method: "GET", path: "/api/v1/topics", call: (*API).topics},
	{method: "GET", path: "/api/v1/topics/{topic}/history", call: (*API).history},
	{method: "GET", path: "/api/v1/topics/history", call: (*API).history},
	{method: "GET", path: "/api/v1/topics/{topic}/members", call: (*API).members},
	{method: "GET", path: "/api/v1/stats", call: (*API).stats},
	{method: "POST", path: "/api/v1/explain", call: (*API).explain},
	{method: "PUT", path: "/api/v1/faults", call: (*API).injectFault},
	{method: "GET", path: "/api/v1/faults", call: (*API).faults},
	{method: "DELETE", path: "/api/v1/faults/{id}", call: (*API).endFault},
	{method: "POST", path: "/api/v1/revoke", call: (*API).revoke},
	{method: "DELETE", path: "/api/v1/revoke", call: (*API).unrevoke},
	{method: "GET", path: "/api/v1/outposts", call: (*API).outposts},
	{method: "GET", path: "/api/v1/outposts/{uuid}", call: (*API).outpost},
	{method: "POST", path: "/api", call: (*API).centrifugoLines},
	{method: "POST", path: "/api/{method}", call: (*API).centrifugoCall},
	{method: "POST", path: "/api/v1/ws/ticket", principal: user, call: (*API).ticket},
	{method: "GET", path: "/api/v3/outposts/instances/", principal: outpost, anyMethod: true, call: (*API).outpostCall},
	{method: "GET", path: "/api/v3/root/config/", principal: outpost, anyMethod: true, call: (*API).outpostCall},
	{
		method: "GET", path: "/api/v3/{path}", principal: outpost, anyMethod: true, anySuffix: true,
		call: (*API).outpostCall,
	},
}

// internalRoutes are the calls of operators and of what watches the server.
var internalRoutes = []route{
	{method: "GET", path: "/healthz", principal: anyone, call: (*API).healthz},
	{method: "GET", path: "/readyz", principal: anyone, call: (*API).readyz},
	{method: "GET", path: "/metrics", principal: anyone, call: (*API).metrics},
	{method: "GET", path: "/openapi.json", principal: anyone, call: (*API).openapi},
	{method: "GET", path: "/debug/pprof/{profile}", principal: admin, call: (*API).profile},
	{method: "GET", path: "/api/v1/connections/{id}/tap", principal: admin, call: (*API).tap},
	{method: "GET", path: "/api/v1/users/{user}/tap", principal: admin, call: (*API).tap},
	{method: "GET", path: "/api/v1/topics/{topic}/tap", principal: admin, call: (*API).tap},
	{method: "POST", path: "/api/v1/admin/backup", principal: operator, call: (*API).backup},
	{method: "GET", path: "/api/v1/admin/refusals", principal: operator, call: (*API).allRefusals},
	{method: "GET", path: "/api/v1/admin/tenants", principal: operator, call: (*API).tenants},
	{method: "POST", path: "/api/v1/admin/tenants/{tenant}/drain", principal: operator, call: (*API).drainTenant},
	{method: "POST", path: "/api/v1/admin/tenants/{tenant}/restart", principal: operator, call: (*API).restartTenant},
	{method: "POST", path: "/api/v1/admin/tenants/{tenant}/explain", principal: operator, call: (*API).explainTenant},
	{method: "POST", path: "/api/v1/admin/tenants/{tenant}/suspend", principal: operator, call: (*API).suspendTenant},
	{method: "POST", path: "/api/v1/admin/tenants/{tenant}/resume", principal: operator, call: (*API).resumeTenant},
}

// handler serves one path with the routes of its methods.
type handler struct {
	api         *API
	routes      []*route
	allow       string
	notFound    bool // it has no routes, and answers 404
	crossOrigin bool // web pages of other origins may make these calls
}

func (h *handler) add(r route) {
	r.duration = h.api.counters.observer(r.pattern())
	h.routes = append(h.routes, &r)
	h.crossOrigin = h.crossOrigin || r.principal == user
	methods := make([]string, 0, 4)
	for _, r := range h.routes {
		methods = append(methods, r.method)
		if r.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	h.allow = strings.Join(append(methods, http.MethodOptions), ", ")
}

// routeFor returns the route of a method, nil if there is none. HEAD is GET without a body.
func (h *handler) routeFor(method string) *route {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for _, r := range h.routes {
		if r.method == method || r.anyMethod {
			return r
		}
	}
	return nil
}
