package main

import "github.com/parley-realtime/parley/bench/faults/scenario"

// entry is a scenario, something that happens to a server, and the acceptance checks that it shows.
type entry struct {
	name   string // of its function
	checks []int  // those that its comment names
	play   func(*scenario.Run)
	// long says that it takes its time at any size: a short run leaves it out unless it is named.
	long bool
}

// scenarios are all of them, those that matter most first.
var scenarios = []entry{
	{name: "kill", checks: []int{29, 36, 47}, play: kill},
	{name: "slow", checks: []int{37, 38, 39}, play: slow},
	{name: "drain", checks: []int{48}, play: drain},
	{name: "suspend", checks: []int{49}, play: suspend},
	{name: "blackhole", checks: []int{33, 50}, play: blackhole},
	{name: "resume", checks: []int{32}, play: resume},
	{name: "disk", checks: []int{54}, play: disk},
	{name: "torn", checks: []int{55}, play: torn},
	{name: "files", checks: []int{45}, play: files},
	{name: "memory", checks: []int{46}, play: memory},
	{name: "flood", checks: []int{41, 42}, play: flood},
	{name: "claim", checks: []int{43}, play: claim},
	{name: "bomb", checks: []int{44}, play: bomb},
	{name: "storm", checks: []int{58}, play: storm},
	{name: "fan", checks: []int{59}, play: fan},
	{name: "held", checks: []int{57}, play: held, long: true},
	{name: "latency", checks: []int{34}, play: latency},
	{name: "soak", checks: []int{60}, play: soak, long: true},
}
