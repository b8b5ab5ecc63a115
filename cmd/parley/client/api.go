package client

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// API makes calls of a server's HTTP API, with a key if there is one. It may be used by many goroutines.
type API struct {
	Base, Key string
	// HTTP makes the calls; nil is http.DefaultClient.
	HTTP *http.Client
}

// Refusal is the error of a server that has answered, and did not do what it was asked for.
type Refusal struct {
	// Status is that of HTTP; Code and Message are the server's, "" if it gave none.
	Status        int
	Code, Message string
	// RequestID is by what the server's log has it.
	RequestID string
}

// Error implements error.
func (r *Refusal) Error() string {
	if r.Code == "" {
		return fmt.Sprintf("refused: %d %s", r.Status, http.StatusText(r.Status))
	}
	cause := fmt.Sprintf("refused: %s: %s", r.Code, r.Message)
	if r.RequestID != "" {
		cause += " (request " + r.RequestID + ")"
	}
	return cause
}

// Unreachable is the error of a server that did not answer.
type Unreachable struct{ Err error }

// Error implements error.
func (u *Unreachable) Error() string { return u.Err.Error() }

// Unwrap returns why.
func (u *Unreachable) Unwrap() error { return u.Err }

// Call makes one call and returns the body of its answer. body is made JSON; nil sends none. A refusal is a *Refusal,
// and a server that does not answer an *Unreachable. It blocks until the server answers or the context ends.
func (a API) Call(ctx context.Context, method, path string, query url.Values, body any) ([]byte, error) {
	stream, err := a.open(ctx, method, path, query, body)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	answer, err := io.ReadAll(io.LimitReader(stream, maxAnswer))
	if err != nil {
		return nil, &Unreachable{fmt.Errorf("the answer broke off: %w", err)}
	}
	return answer, nil
}

// Stream makes a GET whose answer goes on, until the context ends or the caller closes it. Its errors are those of
// Call.
func (a API) Stream(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	return a.open(ctx, http.MethodGet, path, query, nil)
}

// Get makes a GET whose answer is JSON and reads that into a value.
func (a API) Get(ctx context.Context, path string, query url.Values, into any) error {
	answer, err := a.Call(ctx, http.MethodGet, path, query, nil)
	if err == nil {
		if err = json.Unmarshal(answer, into); err != nil {
			err = fmt.Errorf("%s answered what is not understood: %w", path, err)
		}
	}
	return err
}

// open makes a call and returns the body of the answer.
func (a API) open(ctx context.Context, method, path string, query url.Values, body any) (io.ReadCloser, error) {
	content := io.Reader(http.NoBody)
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	request, err := a.request(ctx, method, path, query, content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return a.do(request)
}

func (a API) request(
	ctx context.Context, method, path string, query url.Values, content io.Reader,
) (*http.Request, error) {
	u, err := endpoint(a.Base, "http", "/")
	if err != nil {
		return nil, err
	}
	if u, err = url.Parse(strings.TrimSuffix(u.String(), "/") + path); err != nil {
		return nil, err
	}
	u.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, method, u.String(), content)
	if err != nil {
		return nil, err
	}
	if a.Key != "" {
		request.Header.Set("Authorization", "Bearer "+a.Key)
	}
	return request, nil
}

// do makes a request and returns the body of an answer that is well.
func (a API) do(request *http.Request) (io.ReadCloser, error) {
	response, err := cmp.Or(a.HTTP, http.DefaultClient).Do(request)
	if err != nil {
		return nil, &Unreachable{err}
	}
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		return response.Body, nil
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return nil, refusal(response.StatusCode, answer)
}

// refusal reads an answer that is an error.
func refusal(status int, answer []byte) error {
	var told struct {
		Error struct {
			Code, Message string
			Request       string `json:"request_id"`
		}
	}
	r := &Refusal{Status: status}
	if json.Unmarshal(answer, &told) == nil {
		r.Code, r.Message, r.RequestID = told.Error.Code, told.Error.Message, told.Error.Request
	}
	return r
}

// maxEventLine bounds a line of a stream of server-sent events, in bytes: a frame of a tap is in it twice.
const maxEventLine = 32 << 20

// Events reads a stream of server-sent events and gives each, by its name and data, to a function, whose error ends it;
// the name is "" for those without one. It blocks until the stream or the context ends. Its errors are those of Call.
func (a API) Events(
	ctx context.Context, path string, query url.Values, each func(name string, data []byte) error,
) error {
	stream, err := a.Stream(ctx, path, query)
	if err != nil {
		return err
	}
	defer stream.Close()
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, maxEventLine)
	name, data := "", []byte(nil)
	for lines.Scan() {
		field, value, _ := bytes.Cut(lines.Bytes(), []byte(": "))
		switch {
		case string(field) == "event":
			name = string(value)
		case string(field) == "data":
			data = append(data, value...)
		case len(lines.Bytes()) == 0 && data != nil:
			if err := each(name, data); err != nil {
				return err
			}
			name, data = "", nil
		}
	}
	if err := lines.Err(); err != nil && ctx.Err() == nil {
		return &Unreachable{fmt.Errorf("the stream broke off: %w", err)}
	}
	return nil
}
