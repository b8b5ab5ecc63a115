package conformance

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Options select the cases to play, and say how.
type Options struct {
	// Only and Skip choose cases by patterns: a group ("7"), an ID ("7.12"), a glob of IDs ("7.1*"), or words of a
	// title. A pattern that fits no case is an error of Run.
	Only, Skip []string
	// Fast leaves out the cases that wait for the server's own timeouts.
	Fast bool
	// StopAtFailure ends the run at the first case that fails.
	StopAtFailure bool
	// Jobs is how many cases are played side by side (default 1).
	Jobs int
	// Wait is how long Run waits for the server to answer, at the beginning and after it went down (default 5 s).
	Wait time.Duration
	// Each is called with each result as soon as it is there; calls do not overlap. Nil is no call.
	Each func(Result)
}

func (o Options) filled() Options {
	o.Jobs = max(1, o.Jobs)
	o.Wait = cmp.Or(o.Wait, 5*time.Second)
	return o
}

// Select returns the cases that o selects, for an endpoint that is live or echoes. The error names a pattern that fits
// no case, or says that none is left.
func Select(o Options, live bool) ([]Case, error) {
	all := Cases()
	for _, pattern := range slices.Concat(o.Only, o.Skip) {
		if !slices.ContainsFunc(all, func(c Case) bool { return c.fits(pattern) }) {
			return nil, fmt.Errorf("no case is named by %q", pattern)
		}
	}
	chosen := slices.DeleteFunc(all, func(c Case) bool {
		fits := func(pattern string) bool { return c.fits(pattern) }
		return c.Echo && live || c.Slow && o.Fast ||
			len(o.Only) > 0 && !slices.ContainsFunc(o.Only, fits) || slices.ContainsFunc(o.Skip, fits)
	})
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no case is left to play")
	}
	return chosen, nil
}

// fits reports whether a pattern names the case.
func (c Case) fits(pattern string) bool {
	group, _, _ := strings.Cut(c.ID, ".")
	if c.ID == pattern || group == pattern {
		return true
	}
	if globbed, err := path.Match(pattern, c.ID); err == nil && globbed {
		return true
	}
	return pattern != "" && (pattern[0] < '0' || pattern[0] > '9') &&
		strings.Contains(strings.ToLower(c.Title), strings.ToLower(pattern))
}
