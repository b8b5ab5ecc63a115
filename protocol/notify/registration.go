package notify

import (
	"net/url"

	"github.com/parley-realtime/parley/protocol"
)

// Registration is notify in the list of protocols.
var Registration = protocol.Registration{
	Name: "notify", Section: "notify", Env: "NOTIFY_",
	Defaults: func() protocol.Settings { c := DefaultConfig(); return &c },
	Dialects: []protocol.Description{{
		Name:        "notify",
		Transcripts: "protocol/notify/transcripts/*.txt",
		Client: &protocol.Client{Open: showToken, Subscribe: protocol.NoTopics, HearsUnasked: true,
			Tag: "message"},
		Greeting: protocol.Greeting{
			Note: "?access_token=  or  ?ticket=  from POST /api/v1/ws/ticket",
			Console: `new WebSocket("ws://{ADDRESS}/api/v1/ws?access_token={TOKEN}").onmessage = (e) => ` +
				`console.log(e.data)`,
		},
		Doc: protocol.Doc{
			Address:    "`/api/v1/ws`",
			Credential: "as `?access_token=`, or as `?ticket=` from `POST /api/v1/ws/ticket`",
		},
	}},
}

// showToken puts the token into the query.
func showToken(token string, _ []string) (protocol.Opening, error) {
	return protocol.Opening{Path: Path, Query: url.Values{"access_token": {token}}}, nil
}
