package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/coder/websocket"

	"github.com/parley-realtime/parley/protocol"
)

// ListenOptions are how to listen in one dialect.
type ListenOptions struct {
	// Base is the server's URL; Topics are what to ask for, none for all that the dialect has.
	Base, Token string
	Topics      []string
	// Dialect is the name of the dialect, and Client how it is spoken.
	Dialect string
	Client  *protocol.Client
	// Header is added to the handshake.
	Header http.Header
	// Print gets each message that arrives, as one line of JSON, or with Raw as it came. Its error ends Listen.
	Print func(line []byte) error
	Raw   bool
	// Admitted is called whenever the server has let this client in; nil is not.
	Admitted func()
	// Retry is called when a connection breaks that was good before, with the cause and the pause before the next one;
	// nil makes no next one.
	Retry func(cause error, in time.Duration)

	id string // by which the server knows the client again, whatever its dialect
}

// Refused is the error of a server that does not let this client in, or has sent it away for good: another try would
// end the same.
type Refused struct {
	// NotServed says that the server does not speak the dialect.
	NotServed bool
	// Why is what the server said.
	Why string
}

// Error implements error.
func (r *Refused) Error() string { return r.Why }

// Listen connects, logs in, asks for its topics, and prints what arrives until the context ends (nil), or the
// connection does (with the cause). It blocks. A connection that breaks after it was good is made again, with growing
// pauses. The error of a client that was refused is a *Refused.
func Listen(ctx context.Context, l ListenOptions) error {
	if l.id == "" {
		l.id = rand.Text()
	}
	pauses := backoff.NewExponentialBackOff()
	// With full jitter a pause is between nothing and twice the interval: clients that have lost the same server do not
	// come back together.
	pauses.InitialInterval, pauses.MaxInterval, pauses.RandomizationFactor = 250*time.Millisecond, 15*time.Second, 1
	for ever := false; ; {
		good, err := l.connect(ctx)
		if good {
			ever = true
			pauses.Reset()
		}
		if _, refused := errors.AsType[*Refused](err); err == nil || refused || !ever || l.Retry == nil ||
			errors.Is(err, errPrint) {
			return err
		}
		pause := pauses.NextBackOff()
		l.Retry(err, pause)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// errPrint is wrapped in the error that Listen returns after Print has failed.
var errPrint = errors.New("nothing can be printed any more")

// connect is one connection; good says that something was heard on it.
func (l *ListenOptions) connect(ctx context.Context) (good bool, err error) {
	subscribes, err := l.Client.Subscribe(l.Token, l.Topics)
	if err != nil {
		return false, err
	}
	conn, err := l.dial(ctx)
	if err != nil {
		if ctx.Err() != nil {
			err = nil
		}
		return false, err
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxAnswer)
	// The end of the context sends a close frame: a context that ends a Read would cut the connection.
	defer context.AfterFunc(ctx, func() { conn.Close(websocket.StatusNormalClosure, "") })()
	var login [][]byte
	if l.Client.Login != nil {
		login = l.Client.Login(l.Token)
	}
	first := login
	if l.Client.SubscribesFirst || l.Client.Admitted == nil {
		first, subscribes = slices.Concat(login, subscribes), nil
	}
	for _, frame := range first {
		if err := send(ctx, conn, frame); err != nil {
			return false, closeError(ctx, err)
		}
	}
	if l.Client.Every > 0 {
		defer repeat(ctx, conn, l.Client.Every, login)()
	}
	return l.read(ctx, conn, subscribes)
}

func (l *ListenOptions) dial(ctx context.Context) (*websocket.Conn, error) {
	opening, err := l.Client.Open(l.Token, l.Topics)
	if err != nil {
		return nil, err
	}
	u, err := endpoint(l.Base, "ws", opening.Path)
	if err != nil {
		return nil, err
	}
	if opening.Query != nil {
		u.RawQuery = opening.Query.Encode()
	}
	header := http.Header{"X-Client-Id": {l.id}}
	maps.Copy(header, l.Header)
	for name, value := range opening.Header {
		header.Set(name, value)
	}
	options := websocket.DialOptions{HTTPHeader: header, CompressionMode: websocket.CompressionNoContextTakeover}
	conn, response, err := websocket.Dial(ctx, u.String(), &options)
	if err != nil {
		return nil, dialError(response, err)
	}
	return conn, nil
}

// repeat sends frames at an interval until it is stopped, or the connection ends.
func repeat(ctx context.Context, conn *websocket.Conn, every time.Duration, frames [][]byte) (stop func()) {
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
					return // read gets the cause
				}
			}
		}
	})
	return func() { cancel(); conn.CloseNow(); done.Wait() }
}

// read reads until the end, and asks for the topics as soon as the server has let us in.
func (l *ListenOptions) read(ctx context.Context, conn *websocket.Conn, subscribes [][]byte) (good bool, err error) {
	admitted := l.Client.Admitted == nil
	if admitted {
		l.enter()
	}
	for {
		_, message, err := conn.Read(context.WithoutCancel(ctx))
		if err != nil {
			return good, closeError(ctx, err)
		}
		good = true
		if err := l.answer(ctx, conn, message); err != nil {
			return good, closeError(ctx, err)
		}
		printed := message
		if !l.Raw {
			printed = line(message)
		}
		if err := l.Print(printed); err != nil {
			return good, fmt.Errorf("%w: %w", errPrint, err)
		}
		if admitted {
			continue
		}
		if admitted, err = l.Client.Admitted(message); err != nil {
			return good, &Refused{Why: err.Error()}
		}
		if !admitted {
			continue
		}
		l.enter()
		for _, frame := range subscribes {
			if err := send(ctx, conn, frame); err != nil {
				return good, closeError(ctx, err)
			}
		}
	}
}

// answer sends what a frame asks for, if it asks for anything.
func (l *ListenOptions) answer(ctx context.Context, conn *websocket.Conn, message []byte) error {
	if l.Client.Answer == nil {
		return nil
	}
	if frame := l.Client.Answer(message); frame != nil {
		return send(ctx, conn, frame)
	}
	return nil
}

func (l *ListenOptions) enter() {
	if l.Admitted != nil {
		l.Admitted()
	}
}

func send(ctx context.Context, conn *websocket.Conn, frame []byte) error {
	return conn.Write(context.WithoutCancel(ctx), websocket.MessageText, frame)
}

// line is a message as one line of JSON; a message that is no JSON becomes a JSON string.
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

// closeError says why a connection is over; nil if the context has ended it.
func closeError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	closed, ok := errors.AsType[websocket.CloseError](err)
	if !ok {
		return fmt.Errorf("the connection broke: %w", err)
	}
	cause := strings.TrimSpace(fmt.Sprintf("the server closed the connection: %d %s", closed.Code, closed.Reason))
	switch closed.Code {
	case websocket.StatusGoingAway, websocket.StatusInternalError, websocket.StatusServiceRestart,
		websocket.StatusTryAgainLater:
		return errors.New(cause)
	}
	return &Refused{Why: cause}
}

// dialError is the error that the server answered instead of a socket, in its own words.
func dialError(response *http.Response, err error) error {
	if response == nil {
		return fmt.Errorf("connect: %w", err)
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	cause := refusal(response.StatusCode, body)
	switch status := response.StatusCode; {
	case status == http.StatusNotFound:
		return &Refused{NotServed: true, Why: cause.Error()}
	case status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout:
		return &Refused{Why: cause.Error()}
	}
	return cause
}
