package centrifuge

import (
	"fmt"
	"strconv"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Registration is the protocol in the list of protocols.
var Registration = protocol.Registration{
	Name: "Centrifuge", Section: "centrifuge", Env: "CENTRIFUGE_",
	Defaults: func() protocol.Settings { c := DefaultConfig(); return &c },
	Dialects: []protocol.Description{{
		Name:        "centrifuge",
		Transcripts: "protocol/centrifuge/transcripts/*.txt",
		Client: &protocol.Client{
			Open: protocol.OpenAt(Path), Login: connect, Admitted: admitted, Subscribe: subscribe, Answer: pong,
			Topics:       []string{"projects", "telemetry", "alerts", "devices", "system"},
			HearsUnasked: true,
		},
		Greeting: protocol.Greeting{
			Note:    "any client library of Centrifugo's",
			Example: "telemetry/1 alerts/1",
			Console: `ws = new WebSocket("ws://{ADDRESS}{PATH}"); ws.onmessage = (e) => e.data === "{}" ? ` +
				`ws.send("{}") : console.log(e.data); ws.onopen = () => ` +
				`ws.send(JSON.stringify({id: 1, connect: {token: "{TOKEN}"}}) + ` +
				`"\n" + JSON.stringify({id: 2, subscribe: {channel: "telemetry/1"}}))`,
		},
		Doc: protocol.Doc{
			Address:    "`/connection/websocket`",
			Credential: "in its `connect`; `centrifuge.insecure` lets in those without one",
		},
	}},
}

// connect is the first command of a client.
func connect(token string) [][]byte {
	frame := rawjson.AppendText([]byte(`{"id":1,"connect":{"token":`), token)
	return [][]byte{append(frame, "}}"...)}
}

// subscribe asks for channels.
func subscribe(_ string, topics []string) (frames [][]byte, err error) {
	for i, topic := range topics {
		frame := strconv.AppendInt([]byte(`{"id":`), int64(i)+2, 10)
		frame = rawjson.AppendText(append(frame, `,"subscribe":{"channel":`...), topic)
		frames = append(frames, append(frame, "}}"...))
	}
	return frames, nil
}

// admitted reads the reply to connect.
func admitted(frame []byte) (bool, error) {
	members, _ := rawjson.ReadObject(frame)
	if failure := rawjson.Find(members, "error"); failure != nil {
		message, _ := rawjson.Text(rawjson.Lookup(failure, "message"))
		return false, fmt.Errorf("refused: code %s: %s", rawjson.Lookup(failure, "code"), message)
	}
	return rawjson.Find(members, "connect") != nil, nil
}

// pong answers a ping.
func pong(frame []byte) []byte {
	if string(frame) == "{}" {
		return frame
	}
	return nil
}
