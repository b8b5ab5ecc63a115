package centrifuge

import (
	"bytes"
	"strconv"

	"github.com/parley-realtime/parley/protocol/rawjson"
)

// request is one command of a client.
type request struct {
	id     uint32
	method string // "" for a pong
	params []rawjson.Member
}

// methods are the members by which a command is told.
var methods = []string{"connect", "subscribe", "unsubscribe", "publish", "presence", "presence_stats", "history",
	"send", "rpc", "refresh", "sub_refresh"}

// parse reads one line of a frame. ok is false for what is no command.
func parse(line []byte) (r request, ok bool) {
	members, err := rawjson.ReadObject(line)
	if err != nil {
		return r, false
	}
	if len(members) == 0 {
		return r, true
	}
	if r.id, ok = number32(rawjson.Find(members, "id")); !ok {
		return r, false
	}
	for _, r.method = range methods {
		if params := rawjson.Find(members, r.method); params != nil {
			r.params = rawjson.Split(nil, params, nil)
			return r, rawjson.IsObject(params) && (r.id > 0) != (r.method == "send")
		}
	}
	return r, false
}

// number32 reads an id; nothing is 0.
func number32(raw []byte) (uint32, bool) {
	if raw == nil {
		return 0, true
	}
	n, err := strconv.ParseUint(string(raw), 10, 32)
	return uint32(n), err == nil
}

// text is a parameter that is a string, "" if it is none.
func (r *request) text(name string) string {
	text, _ := rawjson.Text(rawjson.Find(r.params, name))
	return text
}

// is reports whether a parameter is true.
func (r *request) is(name string) bool { return string(rawjson.Find(r.params, name)) == "true" }

// number is a parameter that is a whole number, 0 if it is none.
func (r *request) number(name string) int64 { return integer(rawjson.Find(r.params, name)) }

func integer(raw []byte) int64 {
	n, _ := strconv.ParseInt(string(raw), 10, 64)
	return n
}

// lines cuts a frame into its commands. ok is false if one of them is empty, but for the end of the last.
func lines(frame []byte) (all [][]byte, ok bool) {
	all = bytes.Split(bytes.TrimSuffix(frame, []byte{'\n'}), []byte{'\n'})
	for _, line := range all {
		if len(bytes.TrimSpace(line)) == 0 {
			return all, false
		}
	}
	return all, true
}

// appendID begins a reply, up to the first member of its result or of its error.
func appendID(dst []byte, id uint32, method string) []byte {
	dst = strconv.AppendUint(append(dst, `{"id":`...), uint64(id), 10)
	return append(append(append(dst, `,"`...), method...), `":{`...)
}
