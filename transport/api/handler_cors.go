package api

import "net/http"

// share lets web pages make the calls of users across origins (the Fetch Standard, "CORS protocol"), if they may open
// sockets as well. A user's call is made with a token that the page shows itself and never with a cookie, so that a page
// gains nothing by another's session. The calls of backends are no page's, and are not shared.
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
	rc.setHeader("Access-Control-Allow-Credentials", "true") // a page may have said so; the cookies are not looked at
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
