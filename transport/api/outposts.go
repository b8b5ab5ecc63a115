package api

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-realtime/parley/actors/presence"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// outpostTopics is the topic below which each outpost has its own, by uuid.
const outpostTopics = "outposts"

// outposts does GET /api/v1/outposts: every outpost that has a live instance.
func (a *API) outposts(ctx context.Context, rc *requestContext) error {
	if rc.r.URL.RawQuery != "" {
		return protocol.Refuse(protocol.Malformed, "this call has no query parameters")
	}
	all, err := a.liveInstances(ctx, rc.tenant, outpostTopics)
	if err != nil {
		return err
	}
	rc.out = append(rc.out, `{"outposts":[`...)
	for i := 0; i < len(all); {
		end := i + 1
		for end < len(all) && all[end].Topic == all[i].Topic {
			end++
		}
		if i > 0 {
			rc.out = append(rc.out, ',')
		}
		rc.out = appendOutpost(rc.out, all[i:end])
		i = end
	}
	rc.out = append(rc.out, "]}"...)
	return nil
}

// outpost does GET /api/v1/outposts/{uuid} (spec R003.20, R003.27): the live instances of one outpost.
func (a *API) outpost(ctx context.Context, rc *requestContext) error {
	uuid, err := rc.nameParam("uuid")
	if err != nil {
		return err
	}
	topic := outpostTopics + "/" + uuid
	if err := protocol.CheckTopic(topic); err != nil {
		return err
	}
	all, err := a.liveInstances(ctx, rc.tenant, topic)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return protocol.Refuse(protocol.NotFound, "no instance of outpost %s is alive", protocol.Quote(uuid))
	}
	rc.out = appendOutpost(rc.out, all)
	return nil
}

// liveInstances returns the instances at or below a topic, ordered by outpost and instance.
func (a *API) liveInstances(ctx context.Context, tenant, topic string) ([]presence.Member, error) {
	all, err := a.node.Presence(ctx, tenant, topic)
	slices.SortFunc(all, func(a, b presence.Member) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Name, b.Name))
	})
	return all, err
}

// appendOutpost appends one outpost with its instances, which are at least one.
func appendOutpost(dst []byte, instances []presence.Member) []byte {
	now := time.Now()
	dst = appendTextMember(append(dst, '{'), "uuid", strings.TrimPrefix(instances[0].Topic, outpostTopics+"/"))
	dst = append(appendMember(dst, "instances"), '[')
	for i := range instances {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendInstance(dst, &instances[i], now)
	}
	return append(dst, "]}"...)
}

// appendInstance appends what an instance said in its last HELLO (spec R003.23-26, R003.31).
func appendInstance(dst []byte, in *presence.Member, now time.Time) []byte {
	hello, _ := rawjson.ReadObject(in.Data) // of an instance that said nothing, the uuid alone is known
	text := func(name string) string {
		value, _ := rawjson.Text(rawjson.Find(hello, name))
		return value
	}
	dst = appendTextMember(append(dst, '{'), "uuid", in.Name)
	for _, name := range []string{"version", "buildHash", "hostname"} {
		dst = appendTextMember(dst, name, text(name))
	}
	for _, name := range []string{"golangVersion", "opensslVersion"} { // from 2025 on
		if value := text(name); value != "" {
			dst = appendTextMember(dst, name, value)
		}
	}
	for _, name := range []string{"opensslEnabled", "fipsEnabled"} {
		if value := string(rawjson.Find(hello, name)); value == "true" || value == "false" {
			dst = append(appendMember(dst, name), value...)
		}
	}
	dst = appendTime(dst, "since", in.Since)
	dst = appendTime(dst, "last_seen", in.Seen)
	dst = strconv.AppendBool(appendMember(dst, "healthy"), now.Before(in.Until))
	return append(appendTextMember(dst, "connection", in.Connection), '}')
}
