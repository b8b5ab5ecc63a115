package api

import "net/http"

// share lets web pages make the calls of users across origins (the Fetch Standard, "CORS protocol"), if they may open
// sockets as well. A user's call is made with a token that the page shows itself and never with a cookie, so that a page
// gains nothing by another's session. The calls of backends are no page's, and are not shared.
func (d *door) share(x *exchange) {
	if !d.shared {
		return
	}
	x.header("Vary", "Origin")
	origin := x.r.Header["Origin"]
	if len(origin) != 1 || !d.api.cfg.AllowsOrigin(x.r) {
		return
	}
	x.header("Access-Control-Allow-Origin", origin[0])
	x.header("Access-Control-Allow-Credentials", "true") // a page may have said so; the cookies are not looked at
	if x.r.Method != http.MethodOptions {
		x.header("Access-Control-Expose-Headers", "Retry-After, X-Request-Id")
		return
	}
	x.header("Access-Control-Allow-Methods", d.allow)
	if wanted := x.r.Header["Access-Control-Request-Headers"]; len(wanted) > 0 {
		x.w.Header()["Access-Control-Allow-Headers"] = wanted
	}
	x.header("Access-Control-Max-Age", "600")
}
