package firstframe

import (
	"regexp"
	"slices"

	"github.com/parley-realtime/parley/protocol"
)

// Claim is a path and the dialects, in their order, that want to answer on it.
type Claim struct {
	Path     string
	Dialects []protocol.Dialect
}

// Claims are the paths that more than one of some dialects want, in the order of the dialects.
func Claims(all []protocol.Dialect) []Claim {
	var claims []Claim
	for _, d := range all {
		for _, path := range d.Paths() {
			i := slices.IndexFunc(claims, func(c Claim) bool { return c.Covers(path) })
			if i < 0 {
				claims = append(claims, Claim{path, []protocol.Dialect{d}})
			} else {
				claims[i].Dialects = append(claims[i].Dialects, d)
			}
		}
	}
	return slices.DeleteFunc(claims, func(c Claim) bool { return len(c.Dialects) < 2 })
}

// Decidable reports whether the first frame of a connection can decide for one of the dialects: each is a Candidate.
func (c *Claim) Decidable() bool { return len(Candidates(c.Dialects)) == len(c.Dialects) }

// Covers reports whether the claim is about a path, whatever its variable segments are called.
func (c *Claim) Covers(path string) bool { return canonical(c.Path) == canonical(path) }

// Candidates are those of some dialects that are a Candidate.
func Candidates(all []protocol.Dialect) []protocol.Dialect {
	return slices.DeleteFunc(slices.Clone(all), func(d protocol.Dialect) bool { _, ok := d.(Candidate); return !ok })
}

var variable = regexp.MustCompile(`\{[^/]*\}`)

// canonical is a path without the names of its variable segments.
func canonical(path string) string { return variable.ReplaceAllString(path, "{}") }
