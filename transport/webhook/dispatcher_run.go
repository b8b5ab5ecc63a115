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
func (d *Dispatcher) run() {
	defer close(d.done)
	for {
		next := d.nextBatch()
		if next == nil {
			select {
			case <-d.wakeup:
				continue
			case <-d.ctx.Done():
				return
			}
		}
		if !d.deliver(next) {
			return
		}
	}
}

// nextBatch returns the next batch, nil if no event waits.
func (d *Dispatcher) nextBatch() *batch {
	d.mu.Lock()
	defer d.mu.Unlock()
	events, lost := d.queue.take(d.cfg.Batch)
	if events == nil {
		return nil
	}
	d.inFlight = len(events)
	return newBatch(d.tenant, events, lost)
}

// deliver sends a batch until it is delivered. It returns false if the dispatcher ended before.
func (d *Dispatcher) deliver(b *batch) bool {
	waits := &backoff.ExponentialBackOff{InitialInterval: firstWait, RandomizationFactor: 0.5, Multiplier: 2,
		MaxInterval: longestWait}
	waits.Reset()
	d.takeExpedited() // the first try is made now anyway
	for {
		asked, err := d.post(b)
		d.recordAttempt(b, err)
		if err == nil {
			return true
		}
		if !d.waitForRetry(waits, asked) {
			return false
		}
	}
}

// waitForRetry waits before the next try: as long as the backend asked for, or as long as waits say, which expedite may
// cut short. It returns false if the dispatcher ended.
func (d *Dispatcher) waitForRetry(waits *backoff.ExponentialBackOff, asked time.Duration) bool {
	wait := asked
	if wait == 0 {
		wait = waits.NextBackOff()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for d.ctx.Err() == nil {
		select {
		case <-timer.C:
			return true
		case <-d.ctx.Done():
			return false
		case <-d.wakeup:
			if d.takeExpedited() && asked == 0 {
				waits.Reset()
				return d.ctx.Err() == nil
			}
		}
	}
	return false
}

// takeExpedited reports whether expedite was called since the last time.
func (d *Dispatcher) takeExpedited() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	expedited := d.expedited
	d.expedited = false
	return expedited
}

// post sends a batch once. wait is the time for which the backend asked, 0 if it did not. Errors hold nothing that was
// sent, nor the URL.
func (d *Dispatcher) post(b *batch) (wait time.Duration, err error) {
	d.mu.Lock()
	cfg := d.cfg
	d.mu.Unlock()
	header, err := send(d.ctx, d.http, &cfg, b)
	if err == nil || header == nil {
		return 0, err
	}
	return retryAfter(header, time.Now()), err
}

// send sends a batch once, and returns the header of an answer.
func send(ctx context.Context, by *http.Client, cfg *Config, b *batch) (http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, cfg.URL, bytes.NewReader(b.body))
	if err != nil {
		return nil, errors.New("the url cannot be called")
	}
	b.setHeaders(request, cfg.Secret, time.Now())
	response, err := by.Do(request)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
	if response.StatusCode/100 == 2 {
		return response.Header, nil
	}
	return response.Header, fmt.Errorf("the status is %d, wanted is 2xx", response.StatusCode)
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
func (d *Dispatcher) recordAttempt(b *batch, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	failed := d.stats.Failing
	if err != nil {
		if d.ctx.Err() != nil {
			return // Close cut it off
		}
		d.stats.Failures++
		d.stats.Failing = true
		d.stats.LastError, d.stats.LastFailure = err.Error(), time.Now()
		if !failed {
			d.cfg.Logger.Warn("the webhook does not take lifecycle events; they wait",
				"tenant", d.tenant, "why", err.Error())
		}
		return
	}
	d.stats.Failing = false
	d.stats.Batches++
	d.stats.Delivered += uint64(b.events)
	if d.inFlight = 0; d.queue.len() == 0 {
		close(d.idle)
	}
	if failed {
		d.cfg.Logger.Info("the webhook takes lifecycle events again", "tenant", d.tenant)
	}
}
