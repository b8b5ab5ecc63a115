package pusher

import "github.com/parley-realtime/parley/protocol"

// Registration is Pusher Channels in the list of protocols.
var Registration = protocol.Registration{
	Name: "Pusher Channels", Section: "pusher", Env: "PUSHER_",
	Defaults: func() protocol.Settings { c := DefaultConfig(); return &c },
	Dialects: []protocol.Description{{
		Name:        "pusher",
		Transcripts: "protocol/pusher/transcripts/*.txt",
		Doc: protocol.Doc{
			Address:    "`/app/{key}`, where the key is that of one of `tenants[].apps`",
			Credential: "none; what private channels, presence and sign-in need is signed by the app's backend",
		},
	}},
}
