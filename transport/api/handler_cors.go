package api

import "net/http"

// allowOrigin lets web pages make the calls of users across origins (the Fetch Standard, "CORS protocol"), if they may
// open sockets as well. A page makes them with a token that it shows itself and never with a cookie, so that it gains
// nothing by another page's session. No page makes the calls of backends, so these are not for other origins.
func (h *handler) allowOrigin(rc *requestContext) {
	if !h.crossOrigin {
		return
	}
	rc.setHeader("Vary", "Origin")
	origin := rc.r.Header["Origin"]
	if len(origin) != 1 || !h.api.cfg.AllowsOrigin(rc.r) {
		return
	}
	rc.setHeader("Access-Control-Allow-Origin", origin[0])
	rc.setHeader("Access-Control-Allow-Credentials", "true") // a page may send cookies, which nothing here reads
	if rc.r.Method != http.MethodOptions {
		rc.setHeader("Access-Control-Expose-Headers", "Retry-After, X-Request-Id")
		return
	}
	rc.setHeader("Access-Control-Allow-Methods", h.allow)
	if wanted := rc.r.Header["Access-Control-Request-Headers"]; len(wanted) > 0 {
		rc.w.Header()["Access-Control-Allow-Headers"] = wanted
	}
	rc.setHeader("Access-Control-Max-Age", "600")
}
