package authentik

import (
	"embed"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// Transcripts are the golden transcripts of both dialects, in a folder for each.
//
//go:embed transcripts/client/*.txt transcripts/outpost/*.txt
var Transcripts embed.FS

// Registration is authentik in the list of protocols.
var Registration = protocol.Registration{
	Name: "authentik", Section: "authentik", Env: "AUTHENTIK_",
	Defaults: func() protocol.Settings { c := DefaultConfig(); return &c },
	Dialects: []protocol.Description{
		{
			Name:        "authentik",
			Transcripts: "protocol/authentik/transcripts/client/*.txt",
			Client: &protocol.Client{
				Open: openPage, Subscribe: protocol.NoTopics, HearsUnasked: true,
				Tag: "message_type", Kinds: map[string][]protocol.Kind{"message": {protocol.Message}},
			},
			Greeting: protocol.Greeting{
				Console: `document.cookie = "authentik_session={TOKEN}"; ` +
					`new WebSocket("ws://{ADDRESS}{PATH}").onmessage = (e) => console.log(e.data)`,
			},
			Doc: protocol.Doc{
				Title: "authentik page", Address: "`/ws/client/`", Credential: "in the cookie `authentik_session`",
				Samples: []protocol.Sample{{
					Note: " with a `message_type`",
					Event: protocol.EventInput{Kind: protocol.JSON,
						Data: []byte(`{"message_type":"notification.new","id":1,"data":{}}`)},
				}},
			},
		},
		{
			Name:        "authentik_outpost",
			Transcripts: "protocol/authentik/transcripts/outpost/*.txt",
			Client: &protocol.Client{
				Open: openOutpost, Credential: protocol.Outpost, Login: sayHello, Every: 10 * time.Second,
				Subscribe: func(string, []string) ([][]byte, error) { return nil, nil }, Topics: []string{"outposts"},
				Tag: "instruction", Kinds: map[string][]protocol.Kind{"2": {protocol.TriggerUpdate}},
			},
			Greeting: protocol.Greeting{
				Label: "outpost", Note: "the token of any outpost is: dev", Example: "{OUTPOST}",
			},
			Doc: protocol.Doc{
				Title: "authentik outpost", Address: "`/ws/outpost/<uuid>/`",
				Credential: "as `Authorization: Bearer`, bound to that outpost",
				Samples: []protocol.Sample{{
					Note: " with an `instruction`, on an outpost's topic",
					Event: protocol.EventInput{
						Kind: protocol.JSON, Topic: outposts + "0b5d8d2c-6f1c-4a86-9f0a-2a7d9a1b3c4d",
						Data: []byte(`{"instruction":4,"args":{"session_id":"x"}}`),
					},
				}},
			},
		},
	},
}

// openPage shows the token in the session's cookie.
func openPage(token string, _ []string) (protocol.Opening, error) {
	return protocol.Opening{Path: "/ws/client/", Header: map[string]string{"Cookie": sessionCookie + "=" + token}}, nil
}

// openOutpost takes the outpost's uuid as its only topic.
func openOutpost(token string, topics []string) (protocol.Opening, error) {
	if len(topics) != 1 {
		return protocol.Opening{}, errors.New("an outpost is named by its uuid: parley listen --dialect " +
			"authentik_outpost UUID")
	}
	uuid := strings.TrimPrefix(topics[0], outposts)
	header := map[string]string{"Authorization": "Bearer " + token, "User-Agent": "goauthentik.io/outpost/parley"}
	return protocol.Opening{Path: "/ws/outpost/" + url.PathEscape(uuid) + "/", Header: header}, nil
}

// sayHello says that this instance lives. It has no uuid: the server tells instances apart by their connections.
func sayHello(string) [][]byte {
	return [][]byte{[]byte(`{"args":{"buildHash":"","hostname":"parley listen","version":"parley"},"instruction":1}`)}
}
