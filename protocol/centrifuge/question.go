package centrifuge

import (
	"bytes"
	"strconv"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// question is a presence or presence_stats.
type question struct {
	id    uint32
	count bool
}

// ask is what the engine is asked about a channel.
func ask(r *request, name string) []protocol.Command {
	switch r.method {
	case "publish":
		return publish(r, name)
	case "history":
		return readHistory(r, name)
	}
	return []protocol.Command{protocol.ReadMembers{Topic: name, Tag: question{r.id, r.method == "presence_stats"}}}
}

// publish gives the client's data to the channel.
func publish(r *request, name string) []protocol.Command {
	data := rawjson.Find(r.params, "data")
	if data == nil {
		return []protocol.Command{fail(r.id, badRequest)}
	}
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: KindOf(data), Data: bytes.Clone(data), Checked: true})
	if err != nil {
		return failed(r.id, protocol.AsRefusal(err))
	}
	return []protocol.Command{protocol.Publish{Topic: name, Event: ev, Tag: r.id}}
}

// KindOf is the kind of the event for published data: json for an object, which the clients of nearly all protocols
// hear, and value for all else. data must have passed rawjson.Check.
func KindOf(data []byte) protocol.Kind {
	if rawjson.IsObject(data) {
		return protocol.JSON
	}
	return protocol.Value
}

// readHistory asks for past publications. Without a limit it asks for the position alone.
func readHistory(r *request, name string) []protocol.Command {
	limit := r.number("limit")
	if limit < 0 || limit > protocol.MaxHistory {
		limit = protocol.MaxHistory
	}
	command := protocol.ReadHistory{Topic: name, Limit: int(limit), Reverse: r.is("reverse"), Tag: r.id}
	if since := rawjson.Find(r.params, "since"); rawjson.IsObject(since) {
		epoch, _ := rawjson.Text(rawjson.Lookup(since, "epoch"))
		offset, _ := strconv.ParseUint(string(rawjson.Lookup(since, "offset")), 10, 64)
		command.After = protocol.Position{Epoch: epoch, Offset: offset}
	}
	return []protocol.Command{command}
}

// history answers a history.
func history(command protocol.ReadHistory, outcome protocol.Outcome) []protocol.Command {
	id := command.Tag.(uint32)
	if outcome.Err != nil {
		return failed(id, outcome.Err)
	}
	text := AppendHistory(appendID(nil, id, "history"), command.Topic, outcome.History, outcome.Position)
	return []protocol.Command{protocol.Send{Text: append(text, "}}"...)}}
}

// AppendHistory adds the publications of a channel and where it stands. Events of topics below are left out.
func AppendHistory(text []byte, channel string, history []protocol.Past, at protocol.Position) []byte {
	text = append(text, `"publications":[`...)
	for _, past := range history {
		if past.Event.Topic == channel {
			text = append(appendPublication(text, past.Event, past.Offset), ',')
		}
	}
	return AppendPosition(append(trimComma(text), "],"...), at)
}

// AppendPosition adds where a channel, or a publication in it, stands.
func AppendPosition(text []byte, at protocol.Position) []byte {
	text = rawjson.AppendText(append(text, `"epoch":`...), at.Epoch)
	return strconv.AppendUint(append(text, `,"offset":`...), at.Offset, 10)
}

// present answers a presence with who is there, and a presence_stats with how many there are.
func present(q question, outcome protocol.Outcome) []protocol.Command {
	if outcome.Err != nil {
		return failed(q.id, outcome.Err)
	}
	text := appendID(nil, q.id, "presence_stats")
	if q.count {
		text = AppendStats(text, outcome.Members)
	} else {
		text = AppendPresence(appendID(nil, q.id, "presence"), outcome.Members)
	}
	return []protocol.Command{protocol.Send{Text: append(text, "}}"...)}}
}

// AppendPresence adds who is present in a channel, by their clients.
func AppendPresence(text []byte, members []protocol.Member) []byte {
	text = append(text, `"presence":{`...)
	for _, m := range members {
		text = append(append(rawjson.AppendText(text, m.ID), ':'), infoOf(m.ID, m.Info)...)
		text = append(text, ',')
	}
	return append(trimComma(text), '}')
}

// AppendStats adds how many clients are present in a channel, and how many users they are.
func AppendStats(text []byte, members []protocol.Member) []byte {
	users := map[string]bool{}
	for _, m := range members {
		users[string(rawjson.Lookup(infoOf(m.ID, m.Info), "user"))] = true
	}
	text = appendMemberInt(text, "num_clients", uint64(len(members)))
	return trimComma(appendMemberInt(text, "num_users", uint64(len(users))))
}
