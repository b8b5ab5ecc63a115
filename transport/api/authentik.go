package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/parley-realtime/parley/protocol"
)

// An authentik outpost fetches documents before it dials its socket, and again after each trigger: which outposts its
// token is for, of which it takes the first, the server's settings, and the providers that it works for (spec R003.32).
// A document that is configured for the outpost comes first; else the upstream, the real authentik, is asked; else this
// server answers the first two, which it knows itself. All else has no answer, and none that an outpost could ask for
// in a loop.

// outpostCall does what is below /api/v3/.
func (a *API) outpostCall(ctx context.Context, x *exchange) error {
	up, documents := a.upstream.Load(), a.outpostDocuments(x.tenant)
	if up != nil && len(documents) == 0 {
		return a.forward(up, x)
	}
	uuids, err := a.outpostsOf(ctx, x)
	reads := x.r.Method == http.MethodGet || x.r.Method == http.MethodHead
	path := strings.Trim(strings.TrimPrefix(x.r.URL.Path, outpostPath), "/")
	var own Documents
	if err == nil && len(uuids) > 0 {
		own = documents[uuids[0]]
	}
	switch document, configured := own[path]; {
	case err == nil && reads && configured:
		return x.answerDocument(document)
	case up != nil:
		return a.forward(up, x)
	case err != nil:
		return err
	case reads && path == "outposts/instances":
		x.appendInstances(uuids, own.kind())
	case reads && path == "root/config":
		x.appendRootConfig()
	default:
		return a.unanswered(x, uuids)
	}
	return nil
}

// outpostPath is above all that outposts ask for.
const outpostPath = "/api/v3/"

// unanswered is the error for what nobody here knows, after a while.
func (a *API) unanswered(x *exchange, uuids []string) error {
	if len(uuids) > 0 && a.held.first(x.tenant+"/"+uuids[0]) {
		a.cfg.Logger.Warn("an outpost asks for what this server does not have; set authentik.upstream, or its documents",
			"tenant", x.tenant, "outpost", uuids[0], "path", protocol.Quote(x.r.URL.Path))
	}
	a.hold(x)
	why := protocol.Refuse(protocol.Busy, "this server has nothing at this path for the outpost; "+
		"its operator has to set authentik.upstream, or the outpost's documents")
	why.RetryAfter = unansweredRetry
	return why
}

// outpostDocuments are those of a tenant's outposts.
func (a *API) outpostDocuments(tenant string) map[string]Documents {
	if a.cfg.Outposts == nil {
		return nil
	}
	return a.cfg.Outposts.Documents(tenant)
}

// appendInstances appends the page of outposts that a token is for.
func (x *exchange) appendInstances(uuids []string, kind string) {
	x.out = appendPagination(append(x.out, '{'), page{number: 1, size: max(1, len(uuids)), count: len(uuids)})
	x.out = append(x.out, `,"results":[`...)
	for i, uuid := range uuids {
		if i > 0 {
			x.out = append(x.out, ',')
		}
		x.out = appendTextMember(append(x.out, '{'), "pk", uuid)
		x.out = appendTextMember(x.out, "name", "outpost "+uuid)
		x.out = appendTextMember(x.out, "type", kind)
		x.out = append(x.out, `,"providers":[],"providers_obj":[],"service_connection":null,"service_connection_obj":`...)
		x.out = append(x.out, noConnection+`,"refresh_interval_s":300`...)
		x.out = appendTextMember(x.out, "token_identifier", "ak-outpost-"+uuid+"-api")
		x.out = append(x.out, `,"config":{"log_level":"info"},"managed":null}`...) // older ones panic without a log_level
	}
	x.endPage()
}

// noConnection stands for no connection: some clients refuse null.
const noConnection = `{"pk":"00000000-0000-0000-0000-000000000000","name":"","component":"",` +
	`"verbose_name":"","verbose_name_plural":"","meta_model_name":""}`

// endPage ends a page of a list.
func (x *exchange) endPage() {
	x.out = append(x.out, ']')
	if x.since(withAutocomplete) {
		x.out = append(x.out, `,"autocomplete":{}`...)
	}
	x.out = append(x.out, '}')
}

// Outposts are strict: they refuse a member that their release does not know, and one that is missing.
const (
	withAutocomplete  = 2025*100 + 8  // the first release whose lists have autocomplete
	withoutReputation = 2025*100 + 10 // the first release whose settings have no cache_timeout_reputation
)

// since reports whether the caller is of a release or a later one. A caller that does not say it is taken for a new
// one, since older ones always do.
func (x *exchange) since(release int) bool {
	of, ok := outpostRelease(x.r.UserAgent())
	return !ok || of >= release
}

// appendRootConfig appends the server's settings.
func (x *exchange) appendRootConfig() {
	x.out = append(x.out, `{"error_reporting":{"enabled":false,"sentry_dsn":"","environment":"","send_pii":false,"traces_sample_rate":0},`+
		`"capabilities":[],"cache_timeout":300,"cache_timeout_flows":300,"cache_timeout_policies":300`...)
	if !x.since(withoutReputation) {
		x.out = append(x.out, `,"cache_timeout_reputation":300`...)
	}
	x.out = append(x.out, '}')
}

// outpostRelease reads the release that an outpost's User-Agent names, "goauthentik.io/outpost/2025.10.4": 202510. ok
// is false if it names none.
func outpostRelease(agent string) (release int, ok bool) {
	_, version, ok := strings.Cut(agent, "goauthentik.io/outpost/")
	year, rest, dotted := strings.Cut(version, ".")
	if !ok || !dotted {
		return 0, false
	}
	digits := 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	y, err := strconv.ParseUint(year, 10, 16)
	m, err2 := strconv.ParseUint(rest[:digits], 10, 16)
	return int(y)*100 + int(m), err == nil && err2 == nil && m < 100
}

// outpostsOf are the outposts that the caller's token is for.
func (a *API) outpostsOf(ctx context.Context, x *exchange) ([]string, error) {
	if a.cfg.Outposts == nil {
		return nil, protocol.Refuse(protocol.NotFound, "no outposts are served here")
	}
	token, err := bearer(x.r.Header["Authorization"])
	if err != nil {
		return nil, err
	}
	return a.cfg.Outposts.OutpostsOf(ctx, x.tenant, token)
}
