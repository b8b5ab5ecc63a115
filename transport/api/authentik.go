package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/parley-realtime/parley/protocol"
)

// An authentik outpost fetches documents before it dials its socket, and again after each trigger: the outposts that
// its token is for, of which it takes the first; the server's settings; and the providers that it works for (spec
// R003.32). A document that is configured for the outpost goes first; otherwise the upstream, the real authentik,
// answers; without one this server answers the first two, which it knows itself. Anything else is an error, in such a
// way that no outpost asks in a loop.

// outpostCall does the calls below /api/v3/.
func (a *API) outpostCall(ctx context.Context, rc *requestContext) error {
	up, documents := a.upstream.Load(), a.outpostDocuments(rc.tenant)
	if up != nil && len(documents) == 0 {
		return a.forward(up, rc)
	}
	uuids, err := a.outpostsOf(ctx, rc)
	reads := rc.r.Method == http.MethodGet || rc.r.Method == http.MethodHead
	path := strings.Trim(strings.TrimPrefix(rc.r.URL.Path, outpostPath), "/")
	var configured Documents
	if err == nil && len(uuids) > 0 {
		configured = documents[uuids[0]]
	}
	switch document, found := configured[path]; {
	case err == nil && reads && found:
		return answerDocument(rc, document)
	case up != nil:
		return a.forward(up, rc)
	case err != nil:
		return err
	case reads && path == "outposts/instances":
		appendInstances(rc, uuids, configured.kind())
	case reads && path == "root/config":
		appendRootConfig(rc)
	default:
		return a.refuseUnknown(rc, uuids)
	}
	return nil
}

// outpostPath is the path above every document.
const outpostPath = "/api/v3/"

// refuseUnknown delays a call that this server cannot answer, and refuses it. It logs that once for an outpost.
func (a *API) refuseUnknown(rc *requestContext, uuids []string) error {
	if len(uuids) > 0 && a.delayed.firstTime(rc.tenant+"/"+uuids[0]) {
		a.cfg.Logger.Warn(
			"an outpost asks for what this server does not have; set authentik.upstream, or its documents",
			"tenant", rc.tenant, "outpost", uuids[0], "path", protocol.Quote(rc.r.URL.Path))
	}
	a.delay(rc)
	refusal := protocol.Refuse(protocol.Busy, "this server has nothing at this path for the outpost; "+
		"its operator has to set authentik.upstream, or the outpost's documents")
	refusal.RetryAfter = unansweredRetry
	return refusal
}

// outpostDocuments are the documents of a tenant's outposts, by uuid.
func (a *API) outpostDocuments(tenant string) map[string]Documents {
	if a.cfg.Outposts == nil {
		return nil
	}
	return a.cfg.Outposts.Documents(tenant)
}

// appendInstances appends the page of outposts that a token is for.
func appendInstances(rc *requestContext, uuids []string, kind string) {
	rc.out = appendPagination(append(rc.out, '{'), page{number: 1, size: max(1, len(uuids)), count: len(uuids)})
	rc.out = append(rc.out, `,"results":[`...)
	for i, uuid := range uuids {
		if i > 0 {
			rc.out = append(rc.out, ',')
		}
		rc.out = appendTextMember(append(rc.out, '{'), "pk", uuid)
		rc.out = appendTextMember(rc.out, "name", "outpost "+uuid)
		rc.out = appendTextMember(rc.out, "type", kind)
		rc.out = append(rc.out, `,"providers":[],"providers_obj":[],"service_connection":null`...)
		rc.out = append(rc.out, `,"service_connection_obj":`...)
		rc.out = append(rc.out, noConnection+`,"refresh_interval_s":300`...)
		rc.out = appendTextMember(rc.out, "token_identifier", "ak-outpost-"+uuid+"-api")
		rc.out = append(rc.out, `,"config":{"log_level":"info"},"managed":null}`...) // old outposts panic without it
	}
	endPage(rc)
}

// noConnection stands for no service connection, since some clients refuse null.
const noConnection = `{"pk":"00000000-0000-0000-0000-000000000000","name":"","component":"",` +
	`"verbose_name":"","verbose_name_plural":"","meta_model_name":""}`

// endPage ends a page of a list.
func endPage(rc *requestContext) {
	rc.out = append(rc.out, ']')
	if atLeast(rc, withAutocomplete) {
		rc.out = append(rc.out, `,"autocomplete":{}`...)
	}
	rc.out = append(rc.out, '}')
}

// Outposts are strict: they refuse a member that their release does not know, and one that is missing.
const (
	withAutocomplete  = 2025*100 + 8  // the first release whose lists have autocomplete
	withoutReputation = 2025*100 + 10 // the first release whose settings have no cache_timeout_reputation
)

// atLeast reports whether the caller is of a release or a later one. A caller that does not name its release counts as
// new, since old ones always do.
func atLeast(rc *requestContext, release int) bool {
	of, ok := outpostRelease(rc.r.UserAgent())
	return !ok || of >= release
}

// appendRootConfig appends the server's settings.
func appendRootConfig(rc *requestContext) {
	rc.out = append(rc.out, `{"error_reporting":{"enabled":false,"sentry_dsn":"","environment":"","send_pii":false,`+
		`"traces_sample_rate":0},"capabilities":[],"cache_timeout":300,"cache_timeout_flows":300,`+
		`"cache_timeout_policies":300`...)
	if !atLeast(rc, withoutReputation) {
		rc.out = append(rc.out, `,"cache_timeout_reputation":300`...)
	}
	rc.out = append(rc.out, '}')
}

// outpostRelease reads the release that an outpost's User-Agent names: 202510 of "goauthentik.io/outpost/2025.10.4". ok
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

// outpostsOf returns the outposts that the caller's token is for.
func (a *API) outpostsOf(ctx context.Context, rc *requestContext) ([]string, error) {
	if a.cfg.Outposts == nil {
		return nil, protocol.Refuse(protocol.NotFound, "no outposts are served here")
	}
	token, err := bearer(rc.r.Header["Authorization"])
	if err != nil {
		return nil, err
	}
	return a.cfg.Outposts.OutpostsOf(ctx, rc.tenant, token)
}
