package api

import (
	"context"
	"maps"
	"slices"

	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/protocol"
)

// stats does GET /api/v1/stats (spec R001.65, R001.66). The members have the names of the Valtronics document, and
// durations are in seconds.
func (a *API) stats(_ context.Context, rc *requestContext) error {
	if rc.r.URL.RawQuery != "" {
		return protocol.Refuse(protocol.Malformed, "this call has no query parameters")
	}
	s := a.node.Stats(rc.tenant)
	rc.out = appendTextMember(append(rc.out, '{'), "tenant", rc.tenant)
	rc.out = appendFigures(rc.out, s.Connections)
	rc.out = append(appendMember(rc.out, "dialects"), '{')
	for _, name := range slices.Sorted(maps.Keys(s.Dialects)) {
		rc.out = append(appendMember(rc.out, name), '{')
		rc.out = append(appendFigures(rc.out, s.Dialects[name]), '}')
	}
	rc.out = append(rc.out, "}}"...)
	return nil
}

// appendFigures appends the members that a tenant and each of its dialects have.
func appendFigures(dst []byte, s stats.Connections) []byte {
	dst = appendCount(dst, "totalConnections", s.TotalConnections)
	dst = appendCount(dst, "activeConnections", s.ActiveConnections)
	dst = appendCount(dst, "authenticatedConnections", s.Authenticated)
	dst = appendCount(dst, "messagesReceived", s.MessagesReceived)
	dst = appendCount(dst, "messagesSent", s.MessagesSent)
	dst = appendCount(dst, "bytesReceived", s.BytesReceived)
	dst = appendCount(dst, "bytesSent", s.BytesSent)
	dst = appendRatio(dst, "averageConnectionDuration", s.Lifetime.Seconds(), s.TotalConnections)
	return appendRatio(dst, "messagesPerConnection", float64(s.MessagesReceived+s.MessagesSent), s.TotalConnections)
}
