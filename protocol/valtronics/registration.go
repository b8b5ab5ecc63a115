package valtronics

import (
	"errors"
	"fmt"
	"strings"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Registration is Valtronics in the list of protocols.
var Registration = protocol.Registration{
	Name: "Valtronics", Section: "valtronics", Env: "VALTRONICS_",
	Defaults: func() protocol.Settings { c := DefaultConfig(); return &c },
	Dialects: []protocol.Description{{
		Name:        "valtronics",
		Transcripts: "protocol/valtronics/transcripts/*.txt",
		Client: &protocol.Client{
			Open: protocol.OpenAt(Path), Login: login, Admitted: admitted, Subscribe: subscriptions,
			Topics: []string{"telemetry", "alerts", "devices", "system"}, HearsUnasked: true, ExplainsTokens: true,
			Tag: "type", Kinds: map[string][]protocol.Kind{
				"telemetry_update": {protocol.Telemetry}, "alert": {protocol.Alert, protocol.Message},
				"device_status_update": {protocol.DeviceStatus}, "system_status_update": {protocol.SystemStatus},
				"json": {protocol.JSON}, "value": {protocol.Value}, "named": {protocol.Named},
			},
		},
		Greeting: protocol.Greeting{
			Note: "/ws/telemetry  /ws/alerts  /ws/system  /ws/devices", Example: "telemetry/1 alerts",
			Console: `ws = new WebSocket("ws://{ADDRESS}/ws/telemetry"); ws.onmessage = (e) => console.log(e.data); ` +
				`ws.onopen = () => ws.send(JSON.stringify({type: "auth", token: "{TOKEN}"}))`,
		},
		Doc: protocol.Doc{
			Address:    "`/ws`, `/ws/telemetry`, `/ws/alerts`, `/ws/system`, `/ws/devices`",
			Credential: "in an `auth` message",
		},
	}},
}

// login shows the token in the first frame.
func login(token string) [][]byte {
	return [][]byte{append(rawjson.AppendText([]byte(`{"token":`), token), `,"type":"auth"}`...)}
}

// admitted waits for the answer to login.
func admitted(frame []byte) (bool, error) {
	members, _ := rawjson.ReadObject(frame)
	if kind, _ := rawjson.Text(rawjson.Find(members, "type")); kind != "auth_response" {
		return false, nil
	}
	if string(rawjson.Find(members, "success")) != "true" {
		code, _ := rawjson.Text(rawjson.Find(members, "error"))
		message, _ := rawjson.Text(rawjson.Find(members, "message"))
		return false, fmt.Errorf("refused: %s: %s", code, message)
	}
	return true, nil
}

// subscriptions turns telemetry/1 into channel telemetry, device 1; no topics are all channels.
func subscriptions(_ string, topics []string) (frames [][]byte, err error) {
	if len(topics) == 0 {
		topics = []string{"telemetry", "alerts", "devices", "system"}
	}
	for _, topic := range topics {
		name, device, below := strings.Cut(topic, "/")
		if name == "" || below && device == "" {
			return nil, errors.New("a topic is a channel or channel/device, such as telemetry or telemetry/1")
		}
		frame := rawjson.AppendText([]byte(`{"channel":`), name)
		if below {
			frame = rawjson.AppendText(append(frame, `,"device_id":`...), device)
		}
		frames = append(frames, append(frame, `,"type":"subscribe"}`...))
	}
	return frames, nil
}
