package api

import (
	"context"
	"strconv"
	"time"

	"github.com/parley-realtime/parley/actors/fault"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

var faultMembers = []string{"kind", "user", "topic", "connection", "dialect", "percent", "delay", "status", "for",
	"seed"}

// injectFault does PUT /api/v1/faults.
func (a *API) injectFault(_ context.Context, rc *requestContext) error {
	if err := a.mayInject(); err != nil {
		return err
	}
	if err := rc.readBody(maxSmallBody, a.cfg.RequestTimeout); err != nil {
		return err
	}
	members, err := parseBody(rc.body, faultMembers)
	if err != nil {
		return err
	}
	spec, err := readFault(members)
	if err != nil {
		return err
	}
	made, err := a.node.InjectFault(rc.tenant, spec)
	if err != nil {
		return err
	}
	rc.out = appendFault(rc.out, &made)
	return nil
}

// mayInject refuses where fault injection is off, as in production.
func (a *API) mayInject() error {
	if a.cfg.Faults {
		return nil
	}
	return protocol.Refuse(protocol.Forbidden,
		"fault injection is off, as it should be in production; api.faults allows it for tests")
}

func readFault(members []rawjson.Member) (spec fault.Spec, err error) {
	texts := map[string]*string{"kind": (*string)(&spec.Kind), "topic": &spec.Topic, "connection": &spec.Connection,
		"dialect": &spec.Dialect}
	numbers := map[string]*int{"percent": &spec.Percent, "status": &spec.Status}
	durations := map[string]*time.Duration{"delay": &spec.Delay, "for": &spec.For}
	for _, m := range members {
		switch {
		case texts[m.Name] != nil:
			*texts[m.Name], err = readText(m.Name, m.Value)
		case numbers[m.Name] != nil:
			var n uint64
			n, err = readNumber(m.Name, m.Value, 999)
			*numbers[m.Name] = orNone(int(n))
		case durations[m.Name] != nil:
			*durations[m.Name], err = readDuration(m.Name, m.Value)
			*durations[m.Name] = orNone(*durations[m.Name])
		case m.Name == "user":
			spec.User, err = readUser("user", m.Value)
		default:
			spec.Seed, err = readNumber("seed", m.Value, 1<<53)
		}
		if err != nil {
			return spec, err
		}
	}
	return spec, nil
}

// orNone makes a 0 that was given no default, but something that is refused.
func orNone[T int | time.Duration](n T) T {
	if n == 0 {
		return -1
	}
	return n
}

// readDuration reads a text such as "500ms" or "1m30s".
func readDuration(name string, raw []byte) (time.Duration, error) {
	text, err := readText(name, raw)
	if err != nil {
		return 0, err
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, protocol.Refuse(protocol.Malformed, "%s must be a duration, such as \"500ms\" or \"1m30s\"", name)
	}
	return d, nil
}

// faults does GET /api/v1/faults.
func (a *API) faults(_ context.Context, rc *requestContext) error {
	if _, err := rc.query(); err != nil {
		return err
	}
	if err := a.mayInject(); err != nil {
		return err
	}
	rc.out = append(appendMember(append(rc.out, '{'), "faults"), '[')
	for i, one := range a.node.Faults(rc.tenant) {
		if i > 0 {
			rc.out = append(rc.out, ',')
		}
		rc.out = appendFault(rc.out, &one)
	}
	rc.out = append(rc.out, "]}"...)
	return nil
}

// endFault does DELETE /api/v1/faults/{id}.
func (a *API) endFault(_ context.Context, rc *requestContext) error {
	if _, err := rc.query(); err != nil {
		return err
	}
	if err := a.mayInject(); err != nil {
		return err
	}
	ended, err := a.node.EndFault(rc.tenant, rc.r.PathValue("id"))
	if err != nil {
		return err
	}
	rc.out = appendFault(rc.out, &ended)
	return nil
}

func appendFault(dst []byte, f *fault.Info) []byte {
	dst = appendTextMember(append(dst, '{'), "id", f.ID)
	dst = appendTextMember(dst, "kind", string(f.Kind))
	for _, target := range [][2]string{{"user", f.User}, {"topic", f.Topic}, {"connection", f.Connection},
		{"dialect", f.Dialect}} {
		if target[1] != "" {
			dst = appendTextMember(dst, target[0], target[1])
		}
	}
	if f.Delay > 0 {
		dst = appendTextMember(dst, "delay", f.Delay.String())
	}
	if f.Status > 0 {
		dst = appendCount(dst, "status", f.Status)
	}
	dst = appendCount(dst, "percent", f.Percent)
	dst = strconv.AppendUint(appendMember(dst, "seed"), f.Seed, 10)
	dst = appendTime(appendTime(dst, "began", f.Began), "ends", f.Ends)
	return append(appendCount(dst, "hits", f.Hits), '}')
}
