package centrifugo

import (
	"context"
	"errors"
	"slices"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// newest is Node.History from the other end: the last events before a position, newest first; before zero are all.
func (s *Server) newest(
	ctx context.Context, tenant, topic string, before protocol.Position, limit int,
) (actors.HistoryPage, error) {
	page, err := s.Node.History(ctx, tenant, topic, protocol.Position{}, 0)
	if err != nil {
		return page, err
	}
	last := page.Position.Offset
	if before.Offset > 0 {
		if before.Epoch != page.Position.Epoch {
			return page, protocol.Refuse(protocol.PositionLost, "another epoch")
		}
		last = min(last, before.Offset-1)
	}
	from := protocol.Position{Epoch: page.Position.Epoch}
	if last > uint64(limit) {
		from.Offset = last - uint64(limit)
	}
	page, err = s.Node.History(ctx, tenant, topic, from, limit)
	if errors.Is(err, protocol.Refuse(protocol.PositionLost, "")) { // it remembers fewer than the limit
		page, err = s.Node.History(ctx, tenant, topic, protocol.Position{}, limit)
	}
	page.Events = slices.DeleteFunc(page.Events, func(p protocol.Past) bool { return p.Offset > last })
	slices.Reverse(page.Events)
	return page, err
}
