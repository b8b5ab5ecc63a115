package top

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"github.com/parley-realtime/parley/cmd/parley/logline"
	"github.com/parley-realtime/parley/cmd/parley/terminal"
)

// View implements tea.Model.
func (m *Model) View() tea.View {
	v := tea.NewView(strings.Join(m.lines(), "\n"))
	v.AltScreen = true
	return v
}

// lines are those of the screen, as many as it has, none wider than it is.
func (m *Model) lines() []string {
	clock := "waiting for the server"
	if !m.figures.At.IsZero() {
		clock = m.figures.At.Local().Format("15:04:05")
	}
	if m.paused {
		clock += " (paused)"
	}
	lines := []string{string(m.painter.Paint(terminal.Bold, cut("parley top  "+m.url+"  "+clock, m.width)))}
	if m.err != nil {
		lines = append(lines, string(m.painter.Paint(terminal.Red, cut(m.err.Error(), m.width))))
	}
	for _, part := range [][]figure{m.figures.tenant(), m.figures.server()} {
		lines = append(lines, m.flow(part)...)
	}
	lines = append(lines, cut("out "+sparkline(m.outs, m.width-4), m.width), "")
	room := m.height - len(lines) - 1
	lines = append(lines, m.rows(room)...)
	for len(lines) < m.height-1 {
		lines = append(lines, "")
	}
	lines = append(lines[:max(m.height-1, 0)], m.footer())
	return lines[:min(len(lines), max(m.height, 1))]
}

// figure is a word with its value; bad is one that should be looked at.
type figure struct {
	text string
	bad  bool
}

// tenant are the figures of the tenant.
func (f *Summary) tenant() []figure {
	return []figure{
		{fmt.Sprintf("connections %d", f.Connections), false},
		{fmt.Sprintf("logged in %d", f.Authenticated), false},
		{fmt.Sprintf("in %s/s %s/s", plain(f.In), size(f.BytesIn)), false},
		{fmt.Sprintf("out %s/s %s/s", plain(f.Out), size(f.BytesOut)), false},
	}
}

// server are the figures of the server.
func (f *Summary) server() []figure {
	s := f.Server
	if s == nil {
		return []figure{{"p99, queued, memory, drops: the internal address has them (--internal)", false}}
	}
	memory := "memory " + size(s.Memory)
	if s.MemoryLimit > 0 {
		memory += " of " + size(s.MemoryLimit)
	}
	return []figure{
		{"p99 " + milliseconds(s.P99), s.P99 < 0},
		{"queued " + size(s.Queued), false},
		{memory, s.MemoryLimit > 0 && s.Memory > 0.85*s.MemoryLimit},
		{fmt.Sprintf("drops %s/s (%.0f)", plain(s.Drops), s.EverDropped), s.Drops > 0},
		{fmt.Sprintf("missed %.0f", s.EverMissed), false},
	}
}

// plain is a rate outside a table.
func plain(rate float64) string {
	if rate == 0 {
		return "0"
	}
	return perSecond(rate)
}

func milliseconds(seconds float64) string {
	switch {
	case seconds < 0:
		return "beyond measure"
	case seconds == 0:
		return "-"
	}
	return time.Duration(seconds * float64(time.Second)).Round(10 * time.Microsecond).String()
}

// flow puts figures into as few lines as they fit in.
func (m *Model) flow(all []figure) (lines []string) {
	line, used := "", 0
	for _, f := range all {
		text := f.text
		if f.bad {
			text += "!"
		}
		text = cut(text, m.width)
		wide := utf8.RuneCountInString(text)
		if used > 0 && used+2+wide > m.width {
			lines, line, used = append(lines, line), "", 0
		}
		if used > 0 {
			line, used = line+"  ", used+2
		}
		if used += wide; f.bad {
			text = string(m.painter.Paint(terminal.Red, text))
		}
		line += text
	}
	return append(lines, line)
}

// blocks are the eight heights of a sparkline.
var blocks = []rune("▁▂▃▄▅▆▇█")

// sparkline shows the newest of some values, as many as there is room for, and the greatest of them in figures.
func sparkline(values []float64, room int) string {
	values = values[max(len(values)-max(room-12, 1), 0):]
	most := 0.0
	for _, v := range values {
		most = max(most, v)
	}
	var line strings.Builder
	for _, v := range values {
		i := 0
		if most > 0 {
			i = min(int(v/most*float64(len(blocks))), len(blocks)-1)
		}
		line.WriteRune(blocks[i])
	}
	return line.String() + " max " + plain(most)
}

// rows are the header and the rows of the table that is shown, in so many lines.
func (m *Model) rows(room int) []string {
	if m.shown == topics {
		return tableOf(m, m.tracker.topics, topicColumns, room)
	}
	return tableOf(m, m.tracker.connections, connectionColumns, room)
}

func tableOf[T any](m *Model, all map[string]*tracked[T], columns []column[T], room int) []string {
	rows := sorted(all, columns, m.by[m.shown], m.filter, m.figures.At)
	m.scrolled = max(min(m.scrolled, len(rows)-max(room-1, 1)), 0)
	rows = rows[m.scrolled:min(len(rows), m.scrolled+max(room-1, 0))]
	widths := fit(columns, m.width)
	header := make([]string, len(widths))
	for i := range header {
		header[i] = aligned(columns[i].name, widths[i], columns[i].right)
	}
	lines := []string{string(m.painter.Paint(terminal.Bold, strings.TrimRight(strings.Join(header, " "), " ")))}
	for _, row := range rows {
		cells := make([]string, len(widths))
		for i := range cells {
			cells[i] = aligned(logline.Clean(columns[i].cell(row, m.figures.At)), widths[i], columns[i].right)
		}
		lines = append(lines, strings.TrimRight(strings.Join(cells, " "), " "))
	}
	return lines
}

// fit are the widths of as many columns as a window has room for, at least one; what is left goes to the widest.
func fit[T any](columns []column[T], room int) (widths []int) {
	widest := 0
	for i, c := range columns {
		if i > 0 && c.width+1 > room {
			break
		}
		widths = append(widths, min(c.width, max(room, 1)))
		if room -= c.width; i > 0 {
			room--
		}
		if c.width > columns[widest].width {
			widest = i
		}
	}
	if widths[widest] += max(room, 0); room > maxSpare {
		widths[widest] += maxSpare - room
	}
	return widths
}

// maxSpare is by how much the widest column grows, in characters: further apart, rows are hard to read.
const maxSpare = 40

// aligned is a cell of a width, cut where it is too long.
func aligned(text string, width int, right bool) string {
	text = cut(text, width)
	space := strings.Repeat(" ", width-utf8.RuneCountInString(text))
	if right {
		return space + text
	}
	return text + space
}

// cut is text of at most so many characters; of more, the last is an ellipsis.
func cut(text string, width int) string {
	text = logline.Clean(text)
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:max(width-1, 0)]) + strings.Repeat("…", min(width, 1))
}

// footer says which keys there are.
func (m *Model) footer() string {
	if m.typing {
		return cut("filter: "+m.filter+"_   enter keeps it, esc clears it", m.width)
	}
	other, by := "topics", connectionColumns[m.by[connections]].name
	if m.shown == topics {
		other, by = "connections", topicColumns[m.by[topics]].name
	}
	line := fmt.Sprintf("tab %s   s sort (%s)   / filter", other, by)
	if m.filter != "" {
		line += fmt.Sprintf(" (%s)", m.filter)
	}
	return string(m.painter.Paint(terminal.Dim, cut(line+"   p pause   q quit", m.width)))
}
