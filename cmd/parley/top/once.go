package top

import (
	"context"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/terminal"
)

// Report is a snapshot for scripts.
type Report struct {
	Summary
	BusiestConnections []*ConnectionRate `json:"busiest_connections"`
	BusiestTopics      []*TopicRate      `json:"busiest_topics"`
}

// busiest is how many connections and topics a report has.
const busiest = 10

// Once takes two samples, a second apart, and returns what came about between them. It blocks for that time.
func Once(ctx context.Context, take func(context.Context) (Sample, error)) (made Report, err error) {
	t := newTracker()
	for i := range 2 {
		if i > 0 {
			select {
			case <-ctx.Done():
				return made, ctx.Err()
			case <-time.After(every):
			}
		}
		s, err := take(ctx)
		if err != nil {
			return made, err
		}
		made.Summary = t.add(s)
	}
	made.BusiestConnections = first(sorted(t.connections, connectionColumns, columnOf(connectionColumns, "OUT/s"), "",
		made.At))
	made.BusiestTopics = first(sorted(t.topics, topicColumns, columnOf(topicColumns, "EVENTS/s"), "", made.At))
	return made, nil
}

func first[T any](rows []*T) []*T { return rows[:min(len(rows), busiest)] }

// Print prints a report.
func (r *Report) Print(p *terminal.Printer) error {
	if p.JSON() {
		return p.Value(r)
	}
	for _, f := range append(r.tenant(), r.server()...) {
		if err := p.Line("%s", f.text); err != nil {
			return err
		}
	}
	if err := printRows(p, connectionColumns, r.BusiestConnections, r.At); err != nil {
		return err
	}
	return printRows(p, topicColumns, r.BusiestTopics, r.At)
}

func printRows[T any](p *terminal.Printer, columns []column[T], rows []*T, now time.Time) error {
	var header []string
	for _, c := range columns {
		header = append(header, c.name)
	}
	var cells [][]string
	for _, row := range rows {
		var line []string
		for _, c := range columns {
			line = append(line, c.cell(row, now))
		}
		cells = append(cells, line)
	}
	if err := p.Line(""); err != nil {
		return err
	}
	return p.Table(header, cells)
}
