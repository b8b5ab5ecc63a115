package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Listen connects to the server at base, says who it is and what it wants in a dialect, and writes each message that
// arrives as one line of JSON, until the context ends (nil) or the connection does (why).
func Listen(ctx context.Context, out io.Writer, base, dialect, token string, topics []string) error {
	speech, err := speechOf(dialect)
	if err != nil {
		return err
	}
	wants, err := speech.wants(token, topics)
	if err != nil {
		return err
	}
	opening, err := speech.opening(token, topics)
	if err != nil {
		return err
	}
	u, err := endpoint(base, "ws", opening.path)
	if err != nil {
		return err
	}
	if opening.query != nil {
		u.RawQuery = opening.query.Encode()
	}
	conn, response, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{HTTPHeader: opening.header, CompressionMode: websocket.CompressionNoContextTakeover})
	if err != nil {
		return fmt.Errorf("connect: %w", dialError(response, err))
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxAnswer)
	// The end of the context says goodbye first: a context that ends a Read would cut the connection.
	defer context.AfterFunc(ctx, func() { conn.Close(websocket.StatusNormalClosure, "") })()
	first := speech.login(token)
	if speech.asking {
		first, wants = append(first, wants...), nil
	}
	for _, frame := range first {
		if err := send(ctx, conn, frame); err != nil {
			return ended(ctx, err)
		}
	}
	if speech.every > 0 {
		defer repeat(ctx, conn, speech.every, first)()
	}
	return hear(ctx, out, conn, speech, wants)
}

// repeat says something every so often until it is stopped, or the connection ends.
func repeat(ctx context.Context, conn *websocket.Conn, every time.Duration, frames []any) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			for _, frame := range frames {
				if send(ctx, conn, frame) != nil {
					return // the reader is told why
				}
			}
		}
	})
	return func() { cancel(); conn.CloseNow(); done.Wait() }
}

// hear reads until the end, and asks for the topics as soon as the server has let us in.
func hear(ctx context.Context, out io.Writer, conn *websocket.Conn, speech speech, wants []any) error {
	admitted := speech.admitted == nil
	for {
		_, message, err := conn.Read(context.WithoutCancel(ctx))
		if err != nil {
			return ended(ctx, err)
		}
		if _, err := out.Write(line(message)); err != nil {
			return err
		}
		if admitted {
			continue
		}
		if admitted, err = speech.admitted(message); err != nil {
			return err
		}
		for i := 0; admitted && i < len(wants); i++ {
			if err := send(ctx, conn, wants[i]); err != nil {
				return ended(ctx, err)
			}
		}
	}
}

func send(ctx context.Context, conn *websocket.Conn, message any) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return conn.Write(context.WithoutCancel(ctx), websocket.MessageText, text)
}

// line is a message as one line of JSON; what is no JSON becomes a JSON string.
func line(message []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, message) != nil {
		b.Reset()
		text, _ := json.Marshal(string(message))
		b.Write(text)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// ended says why a connection is over: nothing if we wanted it.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	if closed, ok := errors.AsType[websocket.CloseError](err); ok {
		return fmt.Errorf("the server closed the connection: %d %s", closed.Code, closed.Reason)
	}
	return fmt.Errorf("the connection broke: %w", err)
}

func dialError(response *http.Response, err error) error {
	if response == nil {
		return err
	}
	return fmt.Errorf("the server answered %s", response.Status)
}
