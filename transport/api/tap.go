package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/parley-realtime/parley/actors/tap"
	"github.com/parley-realtime/parley/protocol"
	show "github.com/parley-realtime/parley/transport/tap"
)

const (
	tapTime    = 10 * time.Minute // how long a tap lasts unless its reader says so
	maxTapTime = time.Hour
	tapPause   = 15 * time.Second // how long the reader may read nothing, and how often it gets a heartbeat
	tapCheck   = time.Second      // how often it is asked whether what is tapped is still there
)

// tap does GET /api/v1/{connections,users,topics}/{name}/tap: it streams frames as server-sent events until its time is
// over, what is tapped or the server ends, or the reader goes. The log has its begin and its end.
func (a *API) tap(_ context.Context, rc *requestContext) error {
	if rc.r.Method == http.MethodHead { // it would stream to nobody
		return errMethod
	}
	query, err := rc.query("tenant", "for")
	if err != nil {
		return err
	}
	tenant, err := a.tapTenant(query)
	if err != nil {
		return err
	}
	lasts, err := tapDuration(query.Get("for"))
	if err != nil {
		return err
	}
	id, user, topic := rc.r.PathValue("id"), rc.r.PathValue("user"), rc.r.PathValue("topic")
	tapped, err := a.node.Tap(tenant, id, user, topic)
	if err != nil {
		return err
	}
	defer tapped.Close()
	log := a.cfg.Logger.With("tenant", tenant, "call", rc.r.URL.EscapedPath(), "operator", rc.r.RemoteAddr)
	log.Info("an operator taps frames", "for", lasts)
	rc.written = true
	s := tapStream{w: rc.w, control: http.NewResponseController(rc.w), tap: tapped}
	cause := s.run(rc.r.Context(), lasts, a.node.Draining)
	log.Info("a tap ended", "why", cause, "frames", s.frames, "dropped", s.dropped)
	return nil
}

// tapTenant is the tenant that the query names; the only one needs no name.
func (a *API) tapTenant(query url.Values) (string, error) {
	tenant, all := query.Get("tenant"), a.node.Tenants()
	switch {
	case tenant == "" && len(all) == 1:
		return all[0], nil
	case tenant == "":
		return "", protocol.Refuse(protocol.Malformed, "there are several tenants; tenant says which is tapped")
	case !slices.Contains(all, tenant):
		return "", protocol.Refuse(protocol.NotFound, "unknown tenant %s", protocol.Quote(tenant))
	}
	return tenant, nil
}

func tapDuration(text string) (time.Duration, error) {
	if text == "" {
		return tapTime, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > maxTapTime {
		return 0, protocol.Refuse(protocol.Malformed, "for is a duration up to %s, such as 90s", maxTapTime)
	}
	return d, nil
}

// tapStream writes a tap to its reader.
type tapStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	tap     *tap.Tap
	frames  uint64
	dropped uint64
	said    time.Time // when something was last written
}

// run streams until the end, and says why it came.
func (s *tapStream) run(ctx context.Context, lasts time.Duration, draining func() bool) (cause string) {
	h := s.w.Header()
	h["Content-Type"], h["X-Content-Type-Options"] = []string{"text/event-stream"}, noSniff
	h["Cache-Control"], h["X-Accel-Buffering"] = []string{"no-store, no-transform"}, []string{"no"}
	if s.write(": tapping\n\n") != nil {
		return "its reader left"
	}
	end, check := time.NewTimer(lasts), time.NewTicker(tapCheck)
	defer end.Stop()
	defer check.Stop()
	for {
		var err error
		select {
		case f := <-s.tap.Frames():
			err = s.frame(f)
		case <-ctx.Done():
			return "its reader left"
		case <-end.C:
			return s.end("its time is over")
		case <-check.C:
			switch {
			case draining():
				return s.end("the server drains")
			case s.tap.Ended() && len(s.tap.Frames()) == 0:
				return s.end("the connection ended")
			}
			err = s.idle()
		}
		if err != nil {
			return "its reader left"
		}
	}
}

func (s *tapStream) frame(f tap.Frame) error {
	if err := s.noteDropped(); err != nil {
		return err
	}
	s.frames++
	s.tap.Done(f)
	return s.event("", show.Show(f))
}

// noteDropped tells the reader of frames that found no room.
func (s *tapStream) noteDropped() error {
	n := s.tap.Dropped()
	if n == 0 {
		return nil
	}
	s.dropped += n
	return s.event("event: dropped\n", map[string]uint64{"frames": n})
}

// idle says what there is to say without a frame.
func (s *tapStream) idle() error {
	if err := s.noteDropped(); err != nil || time.Since(s.said) < tapPause {
		return err
	}
	return s.write(": heartbeat\n\n")
}

// end tells the reader why nothing follows.
func (s *tapStream) end(cause string) string {
	_ = s.event("event: end\n", map[string]string{"why": cause}) // a reader that is gone needs no word
	return cause
}

// event writes one event, whose JSON is one line.
func (s *tapStream) event(name string, data any) error {
	line, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return s.write(name + "data: " + string(line) + "\n\n")
}

func (s *tapStream) write(text string) error {
	s.said = time.Now()
	// Not every ResponseWriter can do this; the server's own can.
	_ = s.control.SetWriteDeadline(s.said.Add(tapPause))
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}
