//go:build !race

package durable

const raceEnabled = false

// rounds is how often a check repeats what it does: all times, as race_test.go explains.
func rounds(_, all int) int { return all }
