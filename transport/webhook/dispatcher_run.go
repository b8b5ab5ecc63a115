package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// run sends one batch after another until the dispatcher ends.
func (c *Dispatcher) run() {
	defer close(c.done)
	for {
		next := c.nextBatch()
		if next == nil {
			select {
			case <-c.wakeup:
				continue
			case <-c.ctx.Done():
				return
			}
		}
		if !c.deliver(next) {
			return
		}
	}
}

// nextBatch returns the next batch, nil if no event waits.
func (c *Dispatcher) nextBatch() *batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	events, lost := c.queue.take(c.cfg.Batch)
	if events == nil {
		return nil
	}
	c.inFlight = len(events)
	return newBatch(c.tenant, events, lost)
}

// deliver sends a batch until it is delivered. It returns false if the dispatcher ended before.
func (c *Dispatcher) deliver(b *batch) bool {
	waits := &backoff.ExponentialBackOff{InitialInterval: firstWait, RandomizationFactor: 0.5, Multiplier: 2,
		MaxInterval: longestWait}
	waits.Reset()
	c.takeExpedited() // the first try is made now anyway
	for {
		asked, err := c.post(b)
		c.recordAttempt(b, err)
		if err == nil {
			return true
		}
		if !c.waitForRetry(waits, asked) {
			return false
		}
	}
}

// waitForRetry waits before the next try: as long as the backend asked for, or as long as waits say, which expedite may
// cut short. It returns false if the dispatcher ended.
func (c *Dispatcher) waitForRetry(waits *backoff.ExponentialBackOff, asked time.Duration) bool {
	wait := asked
	if wait == 0 {
		wait = waits.NextBackOff()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for c.ctx.Err() == nil {
		select {
		case <-timer.C:
			return true
		case <-c.ctx.Done():
			return false
		case <-c.wakeup:
			if c.takeExpedited() && asked == 0 {
				waits.Reset()
				return c.ctx.Err() == nil
			}
		}
	}
	return false
}

// takeExpedited reports whether expedite was called since the last time.
func (c *Dispatcher) takeExpedited() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	hurried := c.expedited
	c.expedited = false
	return hurried
}

// post sends a batch once. wait is the time for which the backend asked, 0 if it did not. Errors hold nothing that was
// sent, nor the URL.
func (c *Dispatcher) post(b *batch) (wait time.Duration, err error) {
	c.mu.Lock()
	cfg := c.cfg
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(c.ctx, cfg.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, cfg.URL, bytes.NewReader(b.body))
	if err != nil {
		return 0, errors.New("the url cannot be called")
	}
	b.setHeaders(request, cfg.Secret, time.Now())
	response, err := c.http.Do(request)
	if err != nil {
		return 0, withoutURL(err)
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
	if response.StatusCode/100 == 2 {
		return 0, nil
	}
	return retryAfter(response.Header, time.Now()), fmt.Errorf("the status is %d, wanted is 2xx", response.StatusCode)
}

// withoutURL returns the cause of a failed call, without the URL.
func withoutURL(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		if outer.Timeout() {
			return errors.New("no answer in time")
		}
		return outer.Err
	}
	return err
}

// retryAfter returns for how long the backend asks not to be called, 0 if it does not.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}

// recordAttempt counts a try, and logs when the backend stops accepting batches and when it accepts them again.
func (c *Dispatcher) recordAttempt(b *batch, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	failed := c.stats.Failing
	if err != nil {
		if c.ctx.Err() != nil {
			return // Close cut it off
		}
		c.stats.Failures++
		c.stats.Failing = true
		if !failed {
			c.cfg.Logger.Warn("the webhook does not take lifecycle events; they wait", "tenant", c.tenant, "why",
				err.Error())
		}
		return
	}
	c.stats.Failing = false
	c.stats.Batches++
	c.stats.Delivered += uint64(b.events)
	if c.inFlight = 0; c.queue.len() == 0 {
		close(c.idle)
	}
	if failed {
		c.cfg.Logger.Info("the webhook takes lifecycle events again", "tenant", c.tenant)
	}
}
