package api

import (
	"context"
	"io"
	"net/http"
	"runtime/pprof"
	"runtime/trace"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

const (
	maxProfile   = time.Minute      // how long a profile of the processors or a trace lasts at most
	profilePause = 15 * time.Second // how long its reader may read nothing
)

// timedProfiles are the profiles that last, as net/http/pprof names them, and how long they do by default.
var timedProfiles = map[string]time.Duration{"profile": 30 * time.Second, "trace": time.Second}

// profile does GET /debug/pprof/{profile}: a profile of this process in the format of net/http/pprof, which go tool
// pprof and go tool trace read. It blocks for as long as a profile lasts. One that lasts is taken once at a time.
//
// net/http/pprof itself is not used: it shows the command line, and takes no profile longer than the time that the
// server has for a response.
func (a *API) profile(_ context.Context, rc *requestContext) error {
	if rc.r.Method == http.MethodHead { // it would profile for nobody
		return errMethod
	}
	query, err := rc.query("seconds", "debug")
	if err != nil {
		return err
	}
	name := rc.r.PathValue("profile")
	if lasts, timed := timedProfiles[name]; timed {
		if lasts, err = profileTime(query.Get("seconds"), lasts); err == nil {
			err = a.timedProfile(rc, name, lasts)
		}
		return err
	}
	found := pprof.Lookup(name)
	if found == nil {
		return protocol.Refuse(protocol.NotFound, "no such profile; there are %s", strings.Join(profileNames(), ", "))
	}
	debug := 0
	if text := query.Get("debug"); text != "" {
		if debug, err = strconv.Atoi(text); err != nil || debug < 0 || debug > 2 {
			return protocol.Refuse(protocol.Malformed, "debug is 0 for a file, 1 or 2 for text")
		}
	}
	return found.WriteTo(profileBody(rc, debug > 0), debug)
}

// profileNames are those of all profiles, sorted.
func profileNames() (all []string) {
	for name := range timedProfiles {
		all = append(all, name)
	}
	for _, p := range pprof.Profiles() {
		all = append(all, p.Name())
	}
	slices.Sort(all)
	return all
}

// profileTime is what a text says, or the default where it says nothing.
func profileTime(text string, by time.Duration) (time.Duration, error) {
	if text == "" {
		return by, nil
	}
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 1 || seconds > int(maxProfile/time.Second) {
		return 0, protocol.Refuse(protocol.Malformed, "seconds is a whole number from 1 to %d", maxProfile/time.Second)
	}
	return time.Duration(seconds) * time.Second, nil
}

// timedProfile writes a profile that lasts, until its time is over or its reader has gone.
func (a *API) timedProfile(rc *requestContext, name string, lasts time.Duration) error {
	start, stop := pprof.StartCPUProfile, pprof.StopCPUProfile
	if name == "trace" {
		start, stop = trace.Start, trace.Stop
	}
	if !a.profiling.TryLock() {
		return protocol.Refuse(protocol.Busy, "another profile is being taken; try again in %s", maxProfile)
	}
	defer a.profiling.Unlock()
	// Not every ResponseWriter can do this; the server's own can.
	_ = http.NewResponseController(rc.w).SetWriteDeadline(time.Now().Add(lasts + profilePause))
	if err := start(profileBody(rc, false)); err != nil {
		return err
	}
	defer stop()
	a.cfg.Logger.Info("an operator profiles the process", "profile", name, "for", lasts)
	select {
	case <-time.After(lasts):
	case <-rc.r.Context().Done():
	}
	return nil
}

// profileBody begins the response.
func profileBody(rc *requestContext, text bool) io.Writer {
	rc.written = true
	h := rc.w.Header()
	h["Cache-Control"], h["X-Content-Type-Options"] = noStore, noSniff
	h["Content-Type"] = []string{"application/octet-stream"}
	if text {
		h["Content-Type"] = []string{"text/plain; charset=utf-8"}
	}
	return rc.w
}
