package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/parley-realtime/parley/bench/faults/checker"
)

// Refused is an answer that is not 200.
type Refused struct {
	Status int
	Body   string
	// Retry is the header Retry-After.
	Retry string
}

func (r *Refused) Error() string { return fmt.Sprintf("answered %d %.200s", r.Status, r.Body) }

// Status is the status of a refusal, 0 for every other error.
func Status(err error) int {
	if refused, ok := errors.AsType[*Refused](err); ok {
		return refused.Status
	}
	return 0
}

// call makes an API call and reads the answer into into, unless that is nil.
func (s *Server) call(method, path, body string, into any) error {
	request, err := http.NewRequest(method, "http://"+s.Address+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("X-API-Key", "dev")
	answer, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return err
	case answer.StatusCode != http.StatusOK:
		return &Refused{answer.StatusCode, string(text), answer.Header.Get("Retry-After")}
	case into == nil:
		return nil
	}
	return json.Unmarshal(text, into)
}

// Topic is the name under which Publish publishes to a device.
func Topic(device string) string { return "telemetry/" + device }

// Publish publishes event number of a device's telemetry, with as many letters of padding, and returns where the server
// put it. In what readers hear, its number is behind "s": and the time in Unix nanoseconds behind "t":.
func (s *Server) Publish(device string, number uint64, pad int) (checker.Ack, error) {
	var answer struct {
		Epoch  string
		Offset uint64
	}
	err := s.call(http.MethodPost, "/api/v1/publish", event(device, number, pad), &answer)
	return checker.Ack{Number: number, Epoch: answer.Epoch, Offset: answer.Offset}, err
}

// event is what Publish sends.
func event(device string, number uint64, pad int) string {
	return fmt.Sprintf(`{"event":{"kind":"telemetry","id":"%s-%d","data":{"device_id":%q,`+
		`"telemetry":{"load":{"value":1.5,"t":%d,"s":%d,"pad":"%s"}}}}}`,
		device, number, device, time.Now().UnixNano(), number, strings.Repeat("x", pad))
}

// page is an answer of the history.
type page struct {
	Epoch  string
	Offset uint64
	Events []struct {
		Offset uint64
		Data   json.RawMessage
	}
}

// After returns what a reader missed that stands at epoch and offset: the events after it, at most 1,000. A lost
// position is a Refused with status 409.
func (s *Server) After(device, epoch string, offset uint64) (checker.Record, error) {
	return s.history(device, fmt.Sprintf("?epoch=%s&offset=%d&limit=1000", url.QueryEscape(epoch), offset))
}

// Position is where a device's topic stands now.
func (s *Server) Position(device string) (epoch string, offset uint64, err error) {
	var p page
	err = s.call(http.MethodGet, "/api/v1/topics/"+url.PathEscape(Topic(device))+"/history?limit=1", "", &p)
	return p.Epoch, p.Offset, err
}

// Record reads all that the server remembers of a device's topic.
func (s *Server) Record(device string) (*checker.Record, error) {
	all, err := s.history(device, "?limit=1000")
	if err != nil {
		return nil, err
	}
	for {
		last := uint64(0)
		if n := len(all.Events); n > 0 {
			last = all.Events[n-1].Offset
		}
		more, err := s.After(device, all.Epoch, last)
		if err != nil || len(more.Events) == 0 {
			return &all, err
		}
		all.Events = append(all.Events, more.Events...)
	}
}

func (s *Server) history(device, query string) (checker.Record, error) {
	var p page
	path := "/api/v1/topics/" + url.PathEscape(Topic(device)) + "/history" + query
	if err := s.call(http.MethodGet, path, "", &p); err != nil {
		return checker.Record{}, err
	}
	r := checker.Record{Epoch: p.Epoch}
	for _, e := range p.Events {
		number, ok := Number(e.Data)
		if !ok {
			return r, fmt.Errorf("the history of %s holds %.200s, which has no number", device, e.Data)
		}
		r.Events = append(r.Events, checker.Ack{Number: number, Epoch: p.Epoch, Offset: e.Offset})
	}
	return r, nil
}

// Number is the number of an event that somebody heard.
func Number(text []byte) (n uint64, ok bool) {
	const mark = `"s":`
	i := bytes.Index(text, []byte(mark))
	if i < 0 {
		return 0, false
	}
	for i += len(mark); i < len(text) && text[i] >= '0' && text[i] <= '9'; i++ {
		n, ok = n*10+uint64(text[i]-'0'), true
	}
	return n, ok
}

// Disconnect ends all connections of a user.
func (s *Server) Disconnect(user string) error {
	return s.call(http.MethodPost, "/api/v1/users/"+url.PathEscape(user)+"/disconnect", "{}", nil)
}

// Present reports whether a user has a connection.
func (s *Server) Present(user string) (bool, error) {
	err := s.call(http.MethodGet, "/api/v1/users/"+url.PathEscape(user), "", nil)
	if Status(err) == http.StatusNotFound {
		return false, nil
	}
	return err == nil, err
}

// Queued is how many bytes wait for a user's connection; there is false if there is none.
func (s *Server) Queued(user string) (bytes int64, there bool, err error) {
	var answer struct {
		Connections []struct {
			Queued int64 `json:"queued_bytes"`
		}
	}
	err = s.call(http.MethodGet, "/api/v1/connections?user="+url.QueryEscape(user), "", &answer)
	for _, c := range answer.Connections {
		bytes, there = bytes+c.Queued, true
	}
	return bytes, there, err
}
