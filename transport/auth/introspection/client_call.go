package introspection

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/sony/gobreaker/v2"
)

var (
	errAbandoned  = errors.New("the caller has given up")
	errOverloaded = errors.New("too many questions wait")
	errNetwork    = errors.New("no connection, or no answer in time")
	errTooLarge   = fmt.Errorf("the answer has more than %d bytes", maxAnswer)
)

// fetch asks until there is an answer, until asking again makes no sense, or until the budget is used up.
func (c *Client) fetch(caller context.Context, q *Question) (Answer, error) {
	ctx, cancel := context.WithTimeout(caller, c.cfg.Budget)
	defer cancel()
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		c.counters.rejected.Add(1)
		return Answer{}, errOverloaded
	}
	body := q.body()
	waits := &backoff.ExponentialBackOff{InitialInterval: 100 * time.Millisecond, RandomizationFactor: 0.5,
		Multiplier: 2, MaxInterval: time.Second}
	answer, err := backoff.Retry(ctx, func() (Answer, error) { return c.tryOnce(caller, ctx, body) },
		backoff.WithBackOff(waits), backoff.WithMaxTries(uint(c.cfg.Tries)))
	return answer, err
}

// tryOnce makes one try, unless the circuit breaker is open.
func (c *Client) tryOnce(caller, ctx context.Context, body []byte) (Answer, error) {
	answer, err := c.breaker.Execute(func() (Answer, error) {
		c.counters.calls.Add(1)
		answer, err := c.post(ctx, body)
		switch {
		case err != nil && caller.Err() != nil:
			return answer, errAbandoned
		case err != nil:
			c.counters.failures.Add(1)
			c.cfg.Logger.Debug("a question to the tenant's backend failed", "tenant", c.name, "why", err.Error())
		}
		return answer, err
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		c.counters.rejected.Add(1)
		return answer, backoff.Permanent(err)
	}
	if errors.Is(err, errAbandoned) {
		return answer, backoff.Permanent(err)
	}
	return answer, err
}

// post makes one request. Its errors hold neither the address nor anything that was sent.
func (c *Client) post(ctx context.Context, body []byte) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return Answer{}, backoff.Permanent(errNetwork)
	}
	request.Header.Set("Authorization", "Bearer "+c.cfg.Secret)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "parley")
	response, err := c.http.Do(request)
	if err != nil {
		return Answer{}, errNetwork
	}
	defer response.Body.Close()
	switch status := response.StatusCode; {
	case status == http.StatusTooManyRequests || status >= 500:
		return Answer{}, fmt.Errorf("the status is %d", status)
	case status != http.StatusOK:
		return Answer{}, backoff.Permanent(fmt.Errorf("the status is %d, wanted is 200", status))
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return Answer{}, errNetwork
	case len(text) > maxAnswer:
		return Answer{}, backoff.Permanent(errTooLarge)
	}
	answer, err := readAnswer(text)
	if err != nil {
		return Answer{}, backoff.Permanent(err)
	}
	return answer, nil
}
