package client

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/url"
)

// maxEventLine bounds a line of a stream of server-sent events, in bytes: a frame of a tap is in it twice.
const maxEventLine = 32 << 20

// Events reads a stream of server-sent events and gives each, by its name and data, to a function, whose error ends it;
// the name is "" for those without one. It blocks until the stream or the context ends. Its errors are those of Call.
func (a API) Events(ctx context.Context, path string, query url.Values, each func(name string, data []byte) error) error {
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
