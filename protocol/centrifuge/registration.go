package centrifuge

import "github.com/parley-realtime/parley/protocol"

// Registration is the protocol in the list of protocols.
var Registration = protocol.Registration{
	Name: "Centrifuge", Section: "centrifuge", Env: "CENTRIFUGE_",
	Defaults: func() protocol.Settings { c := DefaultConfig(); return &c },
	Dialects: []protocol.Description{{
		Name:        "centrifuge",
		Transcripts: "protocol/centrifuge/transcripts/*.txt",
		Doc: protocol.Doc{
			Address:    "`/connection/websocket`",
			Credential: "in its `connect`; `centrifuge.insecure` lets in those without one",
		},
	}},
}
