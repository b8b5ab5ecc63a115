package conformance

import "fmt"

// collection collects the cases of all groups.
type collection struct{ cases []Case }

// group collects the cases of a group. Its fields apply to the cases that are added next.
type group struct {
	*collection
	id, name string
	section  string
	opening  *opening // with permessage-deflate; nil is a plain connection
	count    *int
}

func (c *collection) group(id, name, section string) *group {
	return &group{collection: c, id: id, name: name, section: section, count: new(int)}
}

// offering is the group with connections on which permessage-deflate was negotiated.
func (g group) offering(level int, offers ...offer) *group {
	g.opening = &opening{offers: offers, level: level}
	return &g
}

// add adds a case that does anything.
func (g *group) add(title string, play func(*session) error) *Case {
	*g.count++
	g.cases = append(g.cases, Case{
		ID: fmt.Sprintf("%s.%d", g.id, *g.count), Group: g.name, Title: title, Section: g.section, play: play,
	})
	return &g.cases[len(g.cases)-1]
}

// live adds a case of steps on an open connection, for every endpoint.
func (g *group) live(title string, steps ...step) { g.add(title, g.opened(steps)) }

// echo adds a case of steps on an open connection, for endpoints that echo.
func (g *group) echo(title string, steps ...step) { g.add(title, g.opened(steps)).Echo = true }

func (g *group) opened(steps []step) func(*session) error {
	open := g.opening
	return func(s *session) error { return s.play(open, steps...) }
}

// endRounds is how many connections a case opens to find a race.
const endRounds = 25

// rounds plays the steps on one connection after the other.
func (g *group) rounds(title string, steps ...step) {
	open := g.opening
	g.add(title, func(s *session) error {
		for i := range endRounds {
			if err := s.play(open, steps...); err != nil {
				outcome, note := outcomeOf(err)
				return &verdict{outcome: outcome, note: fmt.Sprintf("round %d of %d: %s", i+1, endRounds, note)}
			}
			s.end()
		}
		return nil
	}).Echo = true
}
