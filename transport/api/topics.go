package api

import (
	"context"
	"strconv"
	"unicode/utf8"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// topics does GET /api/v1/topics.
func (a *API) topics(ctx context.Context, rc *requestContext) error {
	values, err := rc.query("cursor", "limit", "prefix")
	if err != nil {
		return err
	}
	q := actors.TopicQuery{Prefix: values.Get("prefix")}
	if len(q.Prefix) > protocol.MaxName || !utf8.ValidString(q.Prefix) {
		return protocol.Refuse(protocol.Malformed, "prefix must be UTF-8 of at most %d bytes", protocol.MaxName)
	}
	if q.Cursor, q.Limit, err = paging(values); err != nil {
		return err
	}
	page, next, err := a.node.Topics(ctx, rc.tenant, q)
	if err != nil {
		return err
	}
	rc.out = append(rc.out, `{"topics":[`...)
	for i := range page {
		if i > 0 {
			rc.out = append(rc.out, ',')
		}
		rc.out = appendTopic(rc.out, &page[i])
	}
	rc.out = appendNext(append(rc.out, ']'), next)
	return nil
}

func appendTopic(dst []byte, t *actors.TopicInfo) []byte {
	dst = appendTextMember(append(dst, '{'), "name", t.Name)
	dst = appendCount(dst, "subscribers", t.Subscribers)
	dst = appendTextMember(dst, "epoch", t.Position.Epoch)
	dst = appendCount(dst, "offset", t.Position.Offset)
	return append(appendCount(dst, "history_length", t.History), '}')
}

// history does GET /api/v1/topics/{topic}/history, and /api/v1/topics/history?topic=. A page ends early when it has as
// many bytes as a body may have; the next page begins behind the offset of its last event.
func (a *API) history(ctx context.Context, rc *requestContext) error {
	topic, after, limit, err := historyQuery(rc)
	if err != nil {
		return err
	}
	page, err := a.node.History(ctx, rc.tenant, topic, after, limit)
	if err != nil {
		return err
	}
	rc.out = appendTextMember(append(rc.out, '{'), "epoch", page.Position.Epoch)
	rc.out = appendCount(rc.out, "offset", page.Position.Offset)
	rc.out = append(appendMember(rc.out, "events"), '[')
	for i := range page.Events {
		if i > 0 {
			if len(rc.out)+len(page.Events[i].Event.Data) > a.cfg.MaxBody {
				break
			}
			rc.out = append(rc.out, ',')
		}
		rc.out = appendHistoryEntry(rc.out, &page.Events[i])
	}
	rc.out = append(rc.out, "]}"...)
	return nil
}

func historyQuery(rc *requestContext) (topic string, after protocol.Position, limit int, err error) {
	topic, values, err := rc.namedQuery("topic", "epoch", "offset", "limit")
	if err == nil {
		err = protocol.CheckTopic(topic)
	}
	if err != nil {
		return topic, after, 0, err
	}
	if after.Epoch, err = optionalParam(values, "epoch", nameCheck("epoch")); err != nil {
		return topic, after, 0, err
	}
	if text := values.Get("offset"); text != "" {
		if after.Offset, err = strconv.ParseUint(text, 10, 64); err != nil {
			return topic, after, 0, protocol.Refuse(protocol.Malformed,
				"offset must be an integer from 0 up: that of the last event that was seen")
		}
	}
	if after.Offset > 0 && after.Epoch == "" {
		return topic, after, 0, protocol.Refuse(protocol.Malformed,
			"offset %d needs the epoch that it was counted in (epoch=, it stands beside each offset); without both, "+
				"what there is comes from the oldest event on", after.Offset)
	}
	limit, err = readLimit(values)
	return topic, after, limit, err
}

func appendHistoryEntry(dst []byte, r *actors.HistoryEntry) []byte {
	dst = appendCount(append(dst, '{'), "offset", r.Offset)
	dst = appendTextMember(dst, "id", r.Event.ID)
	dst = appendTextMember(dst, "kind", string(r.Event.Kind))
	dst = append(appendMember(dst, "data"), r.Event.Data...)
	return append(appendTime(dst, "time", r.Event.Time), '}')
}

// members does GET /api/v1/topics/{topic}/members.
func (a *API) members(ctx context.Context, rc *requestContext) error {
	topic, _, err := rc.namedQuery("topic")
	if err == nil {
		err = protocol.CheckTopic(topic)
	}
	if err != nil {
		return err
	}
	members, err := a.node.Present(ctx, rc.tenant, topic)
	if err != nil {
		return err
	}
	rc.out = append(rc.out, `{"members":[`...)
	for i, m := range members {
		if i > 0 {
			rc.out = append(rc.out, ',')
		}
		rc.out = appendTextMember(append(rc.out, '{'), "id", m.ID)
		rc.out = appendMember(rc.out, "info")
		if m.Info == nil {
			m.Info = []byte("null")
		}
		rc.out = append(append(rc.out, m.Info...), '}')
	}
	rc.out = append(rc.out, "]}"...)
	return nil
}
