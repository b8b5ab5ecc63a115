package dashboard

import (
	"fmt"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Registration is the dashboard in the list of protocols.
var Registration = protocol.Registration{
	Name: "dashboard", Section: "dashboard", Env: "DASHBOARD_",
	Defaults: func() protocol.Settings { c := DefaultConfig(); return &c },
	Dialects: []protocol.Description{{
		Name:        "dashboard",
		Transcripts: "protocol/dashboard/transcripts/*.txt",
		Client: &protocol.Client{
			Open: protocol.OpenAt(Path), Login: showToken, Admitted: admitted, Subscribe: checkTopics,
			Topics: []string{projects}, HearsUnasked: true, Tag: "event",
			Kinds: map[string][]protocol.Kind{"project_updated": {protocol.ProjectUpdated},
				"message": {protocol.Message}},
		},
		Greeting: protocol.Greeting{
			Console: `new WebSocket("ws://{ADDRESS}/api/v2/dashboard/ws").onmessage = (e) => console.log(e.data)`,
		},
		Doc: protocol.Doc{
			Address:    "`/api/v2/dashboard/ws`",
			Credential: "as `?token=` or in its first message, if `dashboard.multi_tenant` is on",
		},
	}},
}

// showToken sends the token first, if there is one.
func showToken(token string) [][]byte {
	if token == "" {
		return nil
	}
	return [][]byte{append(rawjson.AppendText([]byte(`{"token":`), token), '}')}
}

// admitted waits for the word that the client is connected.
func admitted(frame []byte) (bool, error) {
	members, _ := rawjson.ReadObject(frame)
	event, _ := rawjson.Text(rawjson.Find(members, "event"))
	if event == "error" {
		message, _ := rawjson.Text(rawjson.Find(members, "message"))
		return false, fmt.Errorf("refused: %s", message)
	}
	return event == "connected", nil
}

// checkTopics refuses all topics but the one that a client hears anyway, since it can ask for none.
func checkTopics(_ string, topics []string) ([][]byte, error) {
	for _, topic := range topics {
		if topic != projects {
			return nil, fmt.Errorf("a dashboard client hears the topic projects and cannot ask for %.100q", topic)
		}
	}
	return nil, nil
}
