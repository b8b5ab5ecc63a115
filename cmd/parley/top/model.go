package top

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"github.com/parley-realtime/parley/cmd/parley/terminal"
)

// every is how often a sample is taken, and patience how long one may take.
const (
	every    = time.Second
	patience = 10 * time.Second
)

// mostSeconds bounds the seconds that the sparkline shows.
const mostSeconds = 240

// table is which of the two tables is shown.
type table int

const (
	connections table = iota
	topics
)

// Model is the screen. It implements tea.Model.
type Model struct {
	url     string
	take    func(context.Context) (Sample, error)
	painter *terminal.Printer

	tracker *tracker
	figures Summary
	outs    []float64 // messages out a second, the newest last
	err     error     // of the last sample

	width, height int
	shown         table
	by            [2]int // the column by which each table is sorted
	filter        string
	typing        bool // the filter
	paused        bool
	scrolled      int // rows above those that are shown
}

var _ tea.Model = (*Model)(nil)

// New makes the screen of a server that is known by its URL. The painter knows whether there are colours.
func New(url string, take func(context.Context) (Sample, error), painter *terminal.Printer) *Model {
	return &Model{url: url, take: take, painter: painter, tracker: newTracker(), width: 80, height: 24,
		by: [2]int{columnOf(connectionColumns, "OUT/s"), columnOf(topicColumns, "EVENTS/s")}}
}

func columnOf[T any](columns []column[T], name string) int {
	return slices.IndexFunc(columns, func(c column[T]) bool { return c.name == name })
}

// sampled is the message that a sample was taken, or was not; due that the next one is.
type (
	sampled struct {
		sample Sample
		err    error
	}
	due struct{}
)

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd { return m.sample }

// sample takes a sample.
func (m *Model) sample() tea.Msg {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	made, err := m.take(ctx)
	return sampled{made, err}
}

// Update implements tea.Model.
func (m *Model) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	switch message := message.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = message.Width, message.Height
	case sampled:
		m.add(message)
		return m, tea.Tick(every, func(time.Time) tea.Msg { return due{} })
	case due:
		if m.paused {
			return m, tea.Tick(every, func(time.Time) tea.Msg { return due{} })
		}
		return m, m.sample
	case tea.KeyPressMsg:
		return m, m.press(message)
	}
	return m, nil
}

func (m *Model) add(s sampled) {
	if m.err = s.err; s.err != nil {
		return
	}
	first := m.figures.At.IsZero()
	if m.figures = m.tracker.add(s.sample); first {
		return // it has no rates
	}
	if m.outs = append(m.outs, m.figures.Out); len(m.outs) > mostSeconds {
		m.outs = m.outs[1:]
	}
}

// press obeys a key.
func (m *Model) press(key tea.KeyPressMsg) tea.Cmd {
	if key.String() == "ctrl+c" || key.String() == "q" && !m.typing {
		return tea.Quit
	}
	if m.typing {
		m.edit(key)
		return nil
	}
	switch key.String() {
	case "tab":
		m.shown, m.scrolled = 1-m.shown, 0
	case "s":
		m.by[m.shown] = (m.by[m.shown] + 1) % [2]int{len(connectionColumns), len(topicColumns)}[m.shown]
	case "/":
		m.typing = true
	case "esc":
		m.filter = ""
	case "p", "space":
		m.paused = !m.paused
	case "down", "j":
		m.scrolled++
	case "up", "k":
		m.scrolled = max(m.scrolled-1, 0)
	}
	return nil
}

// maxFilter bounds the filter, in bytes.
const maxFilter = 64

// edit edits the filter.
func (m *Model) edit(key tea.KeyPressMsg) {
	switch key.String() {
	case "enter":
		m.typing = false
	case "esc":
		m.typing, m.filter = false, ""
	case "backspace":
		_, last := utf8.DecodeLastRuneInString(m.filter)
		m.filter = m.filter[:len(m.filter)-last]
	default:
		if len(m.filter)+len(key.Text) <= maxFilter {
			m.filter += key.Text
		}
	}
	m.scrolled = 0
}
