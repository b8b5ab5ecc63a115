package airlay

import (
	"slices"

	"github.com/parley-realtime/parley/protocol"
)

// notifications are what a connection is attached to of those that are sent to its user: all, or those with some ids.
// nil is none.
type notifications struct {
	all bool
	ids []string // sorted
}

// attach adds those with an id, or all if it is "".
func (n *notifications) attach(id string) {
	if id == "" {
		n.all = true
	} else if i, known := slices.BinarySearch(n.ids, id); !known {
		n.ids = slices.Insert(n.ids, i, id)
	}
}

// detach undoes attach with the same id, and nothing else.
func (n *notifications) detach(id string) {
	if n == nil {
		return
	}
	if id == "" {
		n.all = false
	} else if i, known := slices.BinarySearch(n.ids, id); known {
		n.ids = slices.Delete(n.ids, i, i+1)
	}
}

// view is the command that has the engine send them and no others.
func (n *notifications) view() protocol.SetEventView {
	switch {
	case n == nil || !n.all && len(n.ids) == 0:
		return protocol.SetEventView{View: protocol.None}
	case n.all:
		return protocol.SetEventView{View: protocol.All}
	}
	return protocol.SetEventView{View: protocol.Project(n.ids)}
}
