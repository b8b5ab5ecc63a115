package airlay

import (
	"slices"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// request is what one frame asks, as far as it was understood. Nothing of the frame is kept but copies.
type request struct {
	auth     string
	attach   bool
	kind, id string // of the event; the id of a notification may be ""
	topic    string
	wrong    bool // its action, type or id
}

// notification is the one type whose id may be absent.
const notification = "notification"

// read reads a request up to its token; the code is not done if it has none.
func read(in protocol.ClientMessage) (*request, code) {
	if in.Binary {
		return nil, badRequest
	}
	members, err := rawjson.ReadObject(in.Data)
	if err != nil {
		return nil, badRequest
	}
	auth := rawjson.Find(members, "auth")
	if auth == nil || string(auth) == "null" {
		return nil, noToken
	}
	r := &request{}
	var isText bool
	if r.auth, isText = rawjson.Text(auth); !isText {
		return nil, badRequest
	}
	if r.auth == "" {
		return nil, noToken
	}
	r.ask(members)
	return r, done
}

// ask reads the action, type and id of a request.
func (r *request) ask(members []rawjson.Member) {
	action, _ := rawjson.Text(rawjson.Find(members, "action"))
	r.attach = action == "attach"
	event, err := rawjson.ReadObject(rawjson.Find(members, "event"))
	kind, _ := rawjson.Text(rawjson.Find(event, "type"))
	id, isID := objectID(rawjson.Find(event, "id"))
	switch {
	case !r.attach && action != "detach", err != nil, !slices.Contains(protocol.ObjectTypes, kind), !isID, id == "" &&
		kind != notification:
		r.wrong = true
	case id == "":
		r.topic = notification
	default:
		r.topic = kind + "/" + id
	}
	r.kind, r.id = kind, id
}

// objectID reads the id of an object, "" if it is absent, null or empty. ok is false for a value that is no id.
func objectID(raw []byte) (id string, ok bool) {
	if raw == nil || string(raw) == "null" {
		return "", true
	}
	id, ok = rawjson.Text(raw)
	return id, ok && (id == "" || isObjectID(id))
}

// isObjectID reports whether text is a MongoDB ObjectId: 12 bytes in hexadecimal.
func isObjectID(text string) bool {
	if len(text) != 24 {
		return false
	}
	for _, c := range []byte(text) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}
