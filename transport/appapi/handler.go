package appapi

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// Path is where the API begins.
const Path = "/apps/"

// Node is what the API needs of the engine. An error that a backend may see is a protocol.Refusal. All calls block
// until the engine has answered or the context ends.
type Node interface {
	Publish(ctx context.Context, tenant string, to actors.Target, ev *protocol.Event) (actors.Receipt, error)
	Topics(ctx context.Context, tenant string, q actors.TopicQuery) (page []actors.TopicInfo, next string, err error)
	Present(ctx context.Context, tenant, topic string) ([]protocol.Member, error)
	DisconnectUser(ctx context.Context, tenant, user string, code uint16, reason string) (int, error)
}

// Apps knows the apps of all tenants.
type Apps interface {
	// AppOf returns the tenant and the key of the app with an id.
	AppOf(id string) (tenant, key string, ok bool)
	// AppHasSigned reports whether a signature is the app's of a text. It compares in constant time.
	AppHasSigned(id, text, signature string) bool
}

// Config bounds requests. All fields are needed.
type Config struct {
	// MaxEvent and MaxBody are the most bytes of an event's data and of a body.
	MaxEvent, MaxBody int
	// Timeout is how long a request may take.
	Timeout time.Duration
}

// Handler answers the API. It is an http.Handler; its fields are fixed.
type Handler struct {
	config Config
	node   Node
	apps   Apps
	mux    *http.ServeMux
}

// New returns the API of a node.
func New(config Config, node Node, apps Apps) *Handler {
	h := &Handler{config: config, node: node, apps: apps, mux: http.NewServeMux()}
	for pattern, answer := range map[string]func(*call) (any, *failure){
		"POST /apps/{id}/events":                             (*call).publish,
		"POST /apps/{id}/batch_events":                       (*call).publishBatch,
		"GET /apps/{id}/channels":                            (*call).channels,
		"GET /apps/{id}/channels/{channel}":                  (*call).channel,
		"GET /apps/{id}/channels/{channel}/users":            (*call).users,
		"POST /apps/{id}/users/{user}/terminate_connections": (*call).terminate,
	} {
		h.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { h.answer(w, r, answer) })
	}
	return h
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// call is one request of an app's backend, which has signed it.
type call struct {
	*Handler
	*http.Request
	tenant string
	query  url.Values
	body   []byte
}

// failure is why a request is refused.
type failure struct {
	status  int
	message string
}

func refuse(err error) *failure {
	refusal := protocol.AsRefusal(err)
	return &failure{refusal.Reason.Status(), refusal.Error()}
}

// answer checks a request, and writes what it is answered.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, with func(*call) (any, *failure)) {
	ctx, cancel := context.WithTimeout(r.Context(), h.config.Timeout)
	defer cancel()
	c := &call{Handler: h, Request: r.WithContext(ctx)}
	refused := c.admit(time.Now())
	var said any
	if refused == nil {
		said, refused = with(c)
	}
	w.Header().Set("Content-Type", "application/json")
	if refused != nil {
		w.WriteHeader(refused.status)
		said = map[string]string{"error": refused.message}
	}
	_ = json.NewEncoder(w).Encode(said) // an error is the client's that has gone
}

// maxAge is how far the time of a request may be away.
const maxAge = 10 * time.Minute

// admit checks who calls, and reads the body.
func (c *call) admit(now time.Time) *failure {
	id := c.PathValue("id")
	tenant, key, ok := c.apps.AppOf(id)
	if !ok {
		return &failure{404, "there is no app " + protocol.Quote(id)}
	}
	var err error
	if c.query, err = url.ParseQuery(c.URL.RawQuery); err != nil {
		return &failure{400, "the query cannot be read"}
	}
	c.tenant = tenant
	when, err := strconv.ParseInt(c.query.Get("auth_timestamp"), 10, 64)
	switch age := now.Sub(time.Unix(when, 0)); {
	case c.query.Get("auth_key") != key:
		return &failure{401, "auth_key is not the key of the app"}
	case c.query.Get("auth_version") != "1.0":
		return &failure{401, "auth_version is not 1.0"}
	case err != nil || age > maxAge || age < -maxAge:
		return &failure{401, "auth_timestamp is more than 600 seconds away; compare the clocks"}
	case !c.isSigned(id):
		return &failure{401, "auth_signature is not that of the method, the path and the sorted query"}
	}
	return c.read()
}

// isSigned reports whether the app has signed the request. Libraries sign the path as they send it, or before they have
// escaped it.
func (c *call) isSigned(id string) bool {
	var pairs []string
	for name, values := range c.query {
		for _, value := range values {
			if name != "auth_signature" {
				pairs = append(pairs, strings.ToLower(name)+"="+value)
			}
		}
	}
	slices.Sort(pairs)
	behind := "\n" + strings.Join(pairs, "&")
	signature := c.query.Get("auth_signature")
	return c.apps.AppHasSigned(id, c.Method+"\n"+c.URL.EscapedPath()+behind, signature) ||
		c.apps.AppHasSigned(id, c.Method+"\n"+c.URL.Path+behind, signature)
}

func (c *call) read() *failure {
	var err error
	c.body, err = io.ReadAll(io.LimitReader(c.Body, int64(c.config.MaxBody)+1))
	sum := md5.Sum(c.body)
	switch {
	case err != nil:
		return &failure{400, "the body cannot be read"}
	case len(c.body) > c.config.MaxBody:
		return &failure{413, fmt.Sprintf("the body has more than %d bytes (api.max_body)", c.config.MaxBody)}
	case len(c.body) > 0 && c.query.Get("body_md5") != hex.EncodeToString(sum[:]):
		return &failure{401, "body_md5 is not that of the body"}
	}
	return nil
}
