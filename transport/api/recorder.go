package api

import (
	"context"
	"net/url"
	"strconv"

	"github.com/parley-realtime/parley/actors/recorder"
	"github.com/parley-realtime/parley/protocol"
)

// closedConnections does GET /api/v1/connections?state=closed: those that have ended, newest first.
func (a *API) closedConnections(rc *requestContext, values url.Values) error {
	if values.Get("topic") != "" {
		return protocol.Refuse(protocol.Malformed, "parameter topic is for open connections")
	}
	q, limit, err := recorderQuery(values)
	if err != nil {
		return err
	}
	q.Tenant = rc.tenant
	found, next := a.node.Recorder().Connections(q, limit)
	rc.out = append(appendMember(append(rc.out, '{'), "connections"), '[')
	for i := range found {
		if i > 0 {
			rc.out = append(rc.out, ',')
		}
		rc.out = appendClosed(rc.out, &found[i])
	}
	rc.out = appendNext(append(rc.out, ']'), cursorOf(next))
	return nil
}

// closedConnection answers for a connection that has ended.
func (a *API) closedConnection(rc *requestContext, id string) error {
	found, err := a.node.Recorder().Connection(rc.tenant, id)
	if err != nil {
		return err
	}
	rc.out = appendClosed(rc.out, &found)
	return nil
}

// refusals does GET /api/v1/refusals: handshakes and logins of the tenant that were refused, newest first.
func (a *API) refusals(_ context.Context, rc *requestContext) error { return a.listRefusals(rc, false) }

// allRefusals does GET /api/v1/admin/refusals: those of all tenants, and of clients that came to none.
func (a *API) allRefusals(_ context.Context, rc *requestContext) error {
	return a.listRefusals(rc, true)
}

func (a *API) listRefusals(rc *requestContext, all bool) error {
	values, err := rc.query("cursor", "limit", "user", "address", "reason", "dialect", "request_id", "connection")
	if err != nil {
		return err
	}
	q, limit, err := recorderQuery(values)
	if err != nil {
		return err
	}
	q.Tenant, q.All = rc.tenant, all
	found, next := a.node.Recorder().Refusals(q, limit)
	rc.out = append(appendMember(append(rc.out, '{'), "refusals"), '[')
	for i := range found {
		if i > 0 {
			rc.out = append(rc.out, ',')
		}
		rc.out = append(rc.out, '{')
		if all {
			rc.out = appendTextMember(rc.out, "tenant", found[i].Tenant)
		}
		rc.out = appendRefused(rc.out, &found[i])
	}
	rc.out = appendNext(append(rc.out, ']'), cursorOf(next))
	return nil
}

// recorderQuery reads the parameters that choose entries of the recorder.
func recorderQuery(values url.Values) (q recorder.Query, limit int, err error) {
	cursor, limit, err := paging(values)
	if err != nil {
		return q, 0, err
	}
	if cursor != "" {
		if q.Before, err = strconv.ParseUint(cursor, 10, 64); err != nil || q.Before == 0 {
			return q, 0, protocol.Refuse(protocol.Malformed, "cursor must be what the page before ended with")
		}
	}
	if q.Reason = protocol.Reason(values.Get("reason")); q.Reason != "" && !q.Reason.Known() {
		return q, 0, protocol.Refuse(protocol.Malformed, "no reason %s", protocol.Quote(string(q.Reason)))
	}
	for _, p := range []struct {
		name string
		to   *string
	}{
		{"user", &q.User}, {"address", &q.Address}, {"dialect", &q.Dialect}, {"connection", &q.Connection},
		{"request_id", &q.RequestID},
	} {
		if *p.to, err = optionalParam(values, p.name, nameCheck(p.name)); err != nil {
			return q, 0, err
		}
	}
	return q, limit, nil
}

// cursorOf is the cursor of the page before an entry.
func cursorOf(before uint64) string {
	if before == 0 {
		return ""
	}
	return strconv.FormatUint(before, 10)
}

// appendClosed appends a connection that has ended.
func appendClosed(dst []byte, e *recorder.Entry) []byte {
	dst = appendTextMember(append(dst, '{'), "state", "closed")
	dst = appendTextMember(dst, "id", e.Connection)
	dst = appendWho(dst, e)
	dst = appendTime(dst, "since", e.Opened)
	dst = appendTime(dst, "closed", e.Closed)
	dst = strconv.AppendFloat(appendMember(dst, "seconds"), float64(e.Lasted().Milliseconds())/1000, 'f', -1, 64)
	dst = appendTextMember(dst, "by", e.By.String())
	dst = appendCount(dst, "code", int(e.Code))
	dst = appendVerdict(dst, e)
	dst = appendCount(dst, "in_messages", e.InMessages)
	dst = appendCount(dst, "in_bytes", e.InBytes)
	dst = appendCount(dst, "out_messages", e.OutMessages)
	dst = appendCount(dst, "out_bytes", e.OutBytes)
	dst = appendCount(dst, "queued_frames", e.QueuedFrames)
	dst = appendCount(dst, "queued_bytes", e.QueuedBytes)
	dst = append(appendMember(dst, "last_frames"), '[')
	dst = appendFrames(dst, "in", e.Last.Frames(e.InMessages))
	return append(dst, "]}"...)
}

// appendRefused appends the members of a refusal, and the end of its object.
func appendRefused(dst []byte, e *recorder.Entry) []byte {
	dst = appendTime(dst, "time", e.Closed)
	if e.Connection != "" {
		dst = appendTextMember(dst, "connection", e.Connection)
	}
	dst = appendWho(dst, e)
	if e.Status != 0 {
		dst = appendCount(dst, "status", e.Status)
	} else {
		dst = appendCount(dst, "code", int(e.Code))
	}
	return append(appendVerdict(dst, e), '}')
}

func appendWho(dst []byte, e *recorder.Entry) []byte {
	dst = appendTextMember(dst, "user", e.User)
	dst = appendTextMember(dst, "dialect", e.Dialect)
	dst = appendTextMember(dst, "remote_address", e.Remote)
	return appendTextMember(dst, "origin", e.Origin)
}

func appendVerdict(dst []byte, e *recorder.Entry) []byte {
	dst = appendTextMember(dst, "reason", string(e.Reason))
	dst = appendTextMember(dst, "why", e.Why())
	dst = appendTextMember(dst, "rule", e.Decided())
	return appendTextMember(dst, "request_id", e.RequestID)
}

func appendFrames(dst []byte, direction string, frames []recorder.Frame) []byte {
	for _, f := range frames {
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		dst = appendTextMember(append(dst, '{'), "direction", direction)
		dst = appendTextMember(dst, "kind", f.Kind)
		dst = append(appendCount(dst, "bytes", f.Bytes), '}')
	}
	return dst
}
