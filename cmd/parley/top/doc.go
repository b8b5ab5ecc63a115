// Package top shows what a server does, second by second, in a terminal: its figures, its busiest connections and
// topics.
//
// It pulls: one sample a second, of a bounded size whatever the server holds, and nothing while it is paused. The key
// of a tenant shows that tenant; the whole server's figures come from its internal address, if that is in reach.
//
// It uses charm.land/bubbletea: a [Model] changes with each message, and its View is a text, so that both are tested
// without a terminal. A window of any size is filled and never overrun, and nothing is said by colour alone.
package top
