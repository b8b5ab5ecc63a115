package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"github.com/parley-realtime/parley/protocol/rawjson"
)

// batch is sent in one request. It is never changed, so that each try sends the same.
type batch struct {
	id     string
	body   []byte
	events int
}

func newBatch(tenant string, events []event, lost uint64) *batch {
	first := &events[0]
	body := append([]byte(nil), `{"tenant":`...)
	body = rawjson.AppendText(body, tenant)
	body = rawjson.AppendText(append(body, `,"epoch":`...), first.epoch)
	body = strconv.AppendUint(append(body, `,"lost":`...), lost, 10)
	body = append(body, `,"events":[`...)
	for i := range events {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, events[i].text...)
	}
	return &batch{id: first.epoch + "-" + strconv.FormatUint(first.number, 10), body: append(body, ']', '}'),
		events: len(events)}
}

// sign returns the signature by which a backend checks that the sender of a body has the secret, and when it was sent.
func sign(secret, timestamp string, body []byte) string {
	sum := hmac.New(sha256.New, []byte(secret))
	sum.Write([]byte(timestamp))
	sum.Write([]byte{'.'})
	sum.Write(body)
	return "v1=" + hex.EncodeToString(sum.Sum(nil))
}

// setHeaders sets the headers that name the batch, its time and its signature.
func (b *batch) setHeaders(r *http.Request, secret string, now time.Time) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "parley")
	r.Header.Set("Parley-Batch", b.id)
	r.Header.Set("Parley-Timestamp", timestamp)
	r.Header.Set("Parley-Signature", sign(secret, timestamp, b.body))
}
