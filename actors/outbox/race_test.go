//go:build race

package outbox

const raceEnabled = true

// rounds is how often a check repeats what it does: raced times under the race detector, where a round takes ten times
// as long and a race shows in the first ones, and all times without it, as make quick and continuous integration run it
// too (F52, F55).
func rounds(raced, _ int) int { return raced }
