package airlay

import (
	"fmt"
	"strings"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Registration is AirLay in the list of protocols.
var Registration = protocol.Registration{
	Name: "AirLay", Section: "webSocketEvents", Env: "AIRLAY_",
	Defaults: func() protocol.Settings { c := DefaultConfig(); return &c },
	Dialects: []protocol.Description{{
		Name:        "airlay",
		Transcripts: "protocol/airlay/transcripts/*.txt",
		Client: &protocol.Client{
			Open: protocol.OpenAt(Path), Admitted: admitted, Subscribe: attachments, SubscribesFirst: true,
			Topics:       []string{"issueUpdate", "notification", "datasetUpdate", "uploadFile", "downloadFile"},
			HearsUnasked: true, Tag: "type", Kinds: map[string][]protocol.Kind{
				"issueUpdate": {protocol.Object}, "notification": {protocol.Object, protocol.Message},
				"datasetUpdate": {protocol.Object}, "uploadFile": {protocol.Object}, "downloadFile": {protocol.Object},
			},
		},
		Greeting: protocol.Greeting{
			Note:    "the first message says which protocol is spoken",
			Example: "issueUpdate/610217e481f6fc54736209e0 notification",
			Console: `ws = new WebSocket("ws://{ADDRESS}/ws"); ws.onmessage = (e) => console.log(e.data); ws.onopen ` +
				`= () => ` +
				`ws.send(JSON.stringify({auth: "{TOKEN}", action: "attach", event: {type: "notification"}}))`,
		},
		Doc: protocol.Doc{
			Address:    "`/ws`, and a listener of its own if `webSocketEvents.port` is set",
			Credential: "in each request",
		},
	}},
}

// attachments asks for type/id, or for the user's notifications if no topic is named. Each request shows the token.
func attachments(token string, topics []string) (frames [][]byte, err error) {
	if len(topics) == 0 {
		topics = []string{"notification"}
	}
	for _, topic := range topics {
		kind, id, _ := strings.Cut(topic, "/")
		frame := append(rawjson.AppendText([]byte(`{"action":"attach","auth":`), token), `,"event":{`...)
		if id != "" {
			frame = append(rawjson.AppendText(append(frame, `"id":`...), id), ',')
		}
		frames = append(frames, append(rawjson.AppendText(append(frame, `"type":`...), kind), "}}"...))
	}
	return frames, nil
}

// admitted reads the answer to a request.
func admitted(frame []byte) (bool, error) {
	members, _ := rawjson.ReadObject(frame)
	switch string(rawjson.Find(members, "status")) {
	case "200":
		return true, nil
	case "400":
		message, _ := rawjson.Text(rawjson.Find(members, "message"))
		return false, fmt.Errorf("refused: code %s: %s", rawjson.Find(members, "code"), message)
	}
	return false, nil
}
