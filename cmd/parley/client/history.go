package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Position is where a reader stands in a topic; the zero value is before all that the topic retains.
type Position struct {
	Epoch  string
	Offset uint64
}

// ParsePosition reads EPOCH:OFFSET.
func ParsePosition(text string) (at Position, err error) {
	epoch, offset, ok := strings.Cut(text, ":")
	if at.Epoch = epoch; ok && epoch != "" {
		at.Offset, err = strconv.ParseUint(offset, 10, 64)
	}
	if !ok || epoch == "" || err != nil {
		return at, fmt.Errorf("%.100q is no position: it is EPOCH:OFFSET, as each event has them", text)
	}
	return at, nil
}

// Retained is an event that a topic retains.
type Retained struct {
	Epoch  string          `json:"epoch"`
	Offset uint64          `json:"offset"`
	ID     string          `json:"id"`
	Kind   string          `json:"kind"`
	Data   json.RawMessage `json:"data"`
	Time   time.Time       `json:"time"`
}

// historyPage is an answer to a call for the history; Offset is the newest one of the topic.
type historyPage struct {
	Epoch  string
	Offset uint64
	Events []Retained
}

// History gives each event that a topic retains behind a position, the oldest first, until yield fails or all were
// given. last, if it is not 0, leaves out all but the last so many. It blocks.
func (a API) History(ctx context.Context, topic string, after Position, last uint64, yield func(Retained) error) error {
	if last > 0 {
		var err error
		if after, err = a.beforeLast(ctx, topic, after, last); err != nil {
			return err
		}
	}
	for {
		page, err := a.historyPage(ctx, topic, after, 0)
		if err != nil {
			return err
		}
		for _, e := range page.Events {
			e.Epoch = page.Epoch
			if err := yield(e); err != nil {
				return err
			}
			after = Position{page.Epoch, e.Offset}
		}
		if len(page.Events) == 0 || after.Offset >= page.Offset {
			return nil
		}
	}
}

// beforeLast is the position before the last so many events behind another one, which it is itself if there are fewer.
func (a API) beforeLast(ctx context.Context, topic string, after Position, last uint64) (Position, error) {
	page, err := a.historyPage(ctx, topic, after, 1)
	if err != nil || len(page.Events) == 0 || page.Offset <= last {
		return after, err
	}
	return Position{page.Epoch, max(after.Offset, page.Events[0].Offset-1, page.Offset-last)}, nil
}

// historyPage gets one page; a limit of 0 leaves that to the server.
func (a API) historyPage(ctx context.Context, topic string, after Position, limit int) (page historyPage, err error) {
	query := url.Values{"topic": {topic}}
	if after.Epoch != "" {
		query.Set("epoch", after.Epoch)
		query.Set("offset", strconv.FormatUint(after.Offset, 10))
	}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	return page, a.Get(ctx, "/api/v1/topics/history", query, &page)
}
