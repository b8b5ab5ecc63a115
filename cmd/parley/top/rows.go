package top

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// column is a column of a table: its name, how wide it is at least, how a row shows in it, and how rows are sorted by
// it. Columns that come later are left out first where a window is narrow.
type column[T any] struct {
	name  string
	width int
	right bool // aligned to the right
	cell  func(*T, time.Time) string
	order func(a, b *T) int
}

var connectionColumns = []column[ConnectionRate]{
	{"ID", 8, false, func(c *ConnectionRate, _ time.Time) string { return c.ID },
		func(a, b *ConnectionRate) int { return cmp.Compare(a.ID, b.ID) }},
	{"USER", 14, false, func(c *ConnectionRate, _ time.Time) string { return c.User },
		func(a, b *ConnectionRate) int { return cmp.Compare(a.User, b.User) }},
	{"OUT/s", 8, true, func(c *ConnectionRate, _ time.Time) string { return perSecond(c.OutRate) },
		func(a, b *ConnectionRate) int { return cmp.Compare(b.OutRate, a.OutRate) }},
	{"IN/s", 8, true, func(c *ConnectionRate, _ time.Time) string { return perSecond(c.InRate) },
		func(a, b *ConnectionRate) int { return cmp.Compare(b.InRate, a.InRate) }},
	{"QUEUED", 8, true, func(c *ConnectionRate, _ time.Time) string { return size(float64(c.Queued)) },
		func(a, b *ConnectionRate) int { return cmp.Compare(b.Queued, a.Queued) }},
	{"DIALECT", 10, false, func(c *ConnectionRate, _ time.Time) string { return c.Dialect },
		func(a, b *ConnectionRate) int { return cmp.Compare(a.Dialect, b.Dialect) }},
	{"AGE", 7, true, func(c *ConnectionRate, now time.Time) string { return age(now.Sub(c.Since)) },
		func(a, b *ConnectionRate) int { return a.Since.Compare(b.Since) }},
	{"ADDRESS", 15, false, func(c *ConnectionRate, _ time.Time) string { return c.Remote },
		func(a, b *ConnectionRate) int { return cmp.Compare(a.Remote, b.Remote) }},
}

var topicColumns = []column[TopicRate]{
	{"TOPIC", 24, false, func(t *TopicRate, _ time.Time) string { return t.Name },
		func(a, b *TopicRate) int { return cmp.Compare(a.Name, b.Name) }},
	{"EVENTS/s", 9, true, func(t *TopicRate, _ time.Time) string { return perSecond(t.Rate) },
		func(a, b *TopicRate) int { return cmp.Compare(b.Rate, a.Rate) }},
	{"SUBSCRIBERS", 11, true, func(t *TopicRate, _ time.Time) string { return fmt.Sprint(t.Subscribers) },
		func(a, b *TopicRate) int { return cmp.Compare(b.Subscribers, a.Subscribers) }},
	{"OFFSET", 12, true, func(t *TopicRate, _ time.Time) string { return fmt.Sprint(t.Offset) },
		func(a, b *TopicRate) int { return cmp.Compare(b.Offset, a.Offset) }},
}

// sorted are the values that hold a text in some column, in the order of one.
func sorted[T any](all map[string]*tracked[T], columns []column[T], by int, filter string, now time.Time) []*T {
	var rows []*T
	for _, known := range all {
		holds := func(c column[T]) bool {
			return strings.Contains(strings.ToLower(c.cell(&known.is, now)), strings.ToLower(filter))
		}
		if filter == "" || slices.ContainsFunc(columns, holds) {
			rows = append(rows, &known.is)
		}
	}
	slices.SortFunc(rows, func(a, b *T) int {
		return cmp.Or(columns[by].order(a, b), columns[0].order(a, b))
	})
	return rows
}

// perSecond is a rate in few letters; none is a dot, so that what moves is seen.
func perSecond(rate float64) string {
	switch {
	case rate == 0:
		return "."
	case rate < 10:
		return fmt.Sprintf("%.1f", rate)
	}
	return fmt.Sprintf("%.0f", rate)
}

// size is a number of bytes in few letters.
func size(bytes float64) string {
	units := []string{"B", "KB", "MB", "GB", "TB"}
	i := 0
	for ; bytes >= 1000 && i < len(units)-1; i++ {
		bytes /= 1000
	}
	if i == 0 || bytes >= 100 {
		return fmt.Sprintf("%.0f %s", bytes, units[i])
	}
	return fmt.Sprintf("%.1f %s", bytes, units[i])
}

// age is a time in few letters.
func age(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
