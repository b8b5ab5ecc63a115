package pusher

import (
	"strings"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// kind is what the prefix of a channel's name says of the channel.
type kind struct{ private, presence, encrypted, cache bool }

func kindOf(channel string) (k kind) {
	rest, presence := strings.CutPrefix(channel, "presence-")
	if k.presence = presence; !presence {
		if rest, k.private = strings.CutPrefix(channel, "private-"); k.private {
			rest, k.encrypted = strings.CutPrefix(rest, "encrypted-")
		}
	}
	k.cache = strings.HasPrefix(rest, "cache-")
	return k
}

// signed reports whether a subscription to the channel needs a signature.
func (k kind) signed() bool { return k.private || k.presence }

// takesClientEvents reports whether clients may send events to the channel.
func (k kind) takesClientEvents() bool { return k.signed() && !k.encrypted }

// IsChannel reports whether a text can be the name of a channel.
func IsChannel(name string) bool {
	return protocol.CheckTopic(name) == nil && strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') &&
			!strings.ContainsRune("_-=@,.;", r)
	}) < 0
}

// UserChannel begins the name of the channel of the events to one user, which is no topic.
const UserChannel = "#server-to-user-"

// member is who is present in a channel, as its connection calls itself.
type member struct {
	id   string // as a text, whatever the JSON type is
	info []byte // {"user_id":ID,"user_info":INFO}, as others are told
}

// readMember reads channel_data or user_data, whose id has the name idName. It returns nil if there is none.
func readMember(data, idName string) *member {
	members, err := rawjson.ReadObject([]byte(data))
	if err != nil {
		return nil
	}
	raw, info := rawjson.Find(members, idName), rawjson.Find(members, "user_info")
	id, ok := rawjson.Scalar(raw)
	if !ok || id == "" || string(raw) == "true" || string(raw) == "false" || protocol.CheckName("user", id) != nil {
		return nil
	}
	text := append(append(make([]byte, 0, len(data)), `{"user_id":`...), raw...)
	if info != nil {
		text = append(append(text, `,"user_info":`...), info...)
	}
	return &member{id, append(text, '}')}
}

// describe reads what others are told of a member: its id and its user_info, both as JSON. Whoever is present by
// another dialect has the id as a text and all that it tells as user_info.
func describe(id string, info []byte) (userID, userInfo []byte) {
	if members, err := rawjson.ReadObject(info); err == nil {
		if userID = rawjson.Find(members, "user_id"); userID != nil {
			return userID, rawjson.Find(members, "user_info")
		}
	}
	return rawjson.AppendText(nil, id), info
}

// appendPresence appends who is present in a channel, as the confirmation of a subscription says it.
func appendPresence(dst []byte, all []protocol.Member) []byte {
	var ids, hash []byte
	for i, m := range all {
		if i > 0 {
			ids, hash = append(ids, ','), append(hash, ',')
		}
		id, info := describe(m.ID, m.Info)
		ids = append(ids, id...)
		hash = append(rawjson.AppendText(hash, m.ID), ':')
		hash = append(hash, orNull(info)...)
	}
	dst = appendNumber(append(dst, `{"presence":{"count":`...), len(all))
	dst = append(append(dst, `,"ids":[`...), ids...)
	return append(append(append(dst, `],"hash":{`...), hash...), "}}}"...)
}

func orNull(raw []byte) []byte {
	if raw == nil {
		return []byte("null")
	}
	return raw
}
