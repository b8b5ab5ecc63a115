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
	// open calls need no key.
	open bool
	do   func(*API, context.Context, *exchange) error

	took prometheus.Observer // set by add
}

func (r *route) pattern() string { return r.method + " " + r.path }

// calls are what backends can do.
var calls = []route{
	{method: "POST", path: "/api/v1/publish", do: (*API).publish},
	{method: "POST", path: "/api/v1/batch", do: (*API).batch},
	{method: "GET", path: "/api/v1/users/{user}", do: (*API).user},
	{method: "POST", path: "/api/v1/users/{user}/disconnect", do: (*API).disconnectUser},
	{method: "GET", path: "/api/v1/connections", do: (*API).connections},
	{method: "GET", path: "/api/v1/connections/{id}", do: (*API).connection},
	{method: "DELETE", path: "/api/v1/connections/{id}", do: (*API).disconnect},
	{method: "GET", path: "/api/v1/topics", do: (*API).topics},
	{method: "GET", path: "/api/v1/topics/{topic}/history", do: (*API).history},
	{method: "GET", path: "/api/v1/stats", do: (*API).stats},
	{method: "POST", path: "/api/v1/revoke", do: (*API).revoke},
}

// views are for those who run the server.
var views = []route{
	{method: "GET", path: "/healthz", open: true, do: (*API).healthz},
	{method: "GET", path: "/readyz", open: true, do: (*API).readyz},
	{method: "GET", path: "/metrics", open: true, do: (*API).metrics},
	{method: "GET", path: "/openapi.json", open: true, do: (*API).openapi},
}

// door is one path with the routes of its methods.
type door struct {
	api     *API
	routes  []*route
	allow   string
	unknown bool // nothing is behind it
}

func (d *door) add(r route) {
	r.took = d.api.meter.observer(r.pattern())
	d.routes = append(d.routes, &r)
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
		if r.method == method {
			return r
		}
	}
	return nil
}
