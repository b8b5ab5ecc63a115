// Package protocols is the one list of the protocols that Parley speaks.
//
// To add one:
//
//  1. Make a folder below protocol. Its package has a Config that implements protocol.Settings, a protocol.Dialect and
//     its golden transcripts, and exports a Registration. protocol/dialecttest/tally is the smallest example.
//  2. Add a line to All.
//  3. Run go test ./cmd/... -update, which writes the tables of settings and of README anew, and look at git diff.
//
// All else follows from the list: settings by file and environment with their checks, reload, paths, what dev mode
// prints, parley listen, and the tests that play the transcripts through a whole node.
package protocols

import (
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/airlay"
	"github.com/parley-realtime/parley/protocol/authentik"
	"github.com/parley-realtime/parley/protocol/centrifuge"
	"github.com/parley-realtime/parley/protocol/dashboard"
	"github.com/parley-realtime/parley/protocol/echo"
	"github.com/parley-realtime/parley/protocol/notify"
	"github.com/parley-realtime/parley/protocol/pusher"
	"github.com/parley-realtime/parley/protocol/valtronics"
)

// All are the protocols in the order of tables. On a path that several want, the last is asked first whether it
// recognises a client's first frame: so AirLay, whose requests cannot be mistaken, comes behind Valtronics, which knows
// a common word.
var All = []protocol.Registration{
	dashboard.Registration,
	valtronics.Registration,
	notify.Registration,
	authentik.Registration,
	airlay.Registration,
	centrifuge.Registration,
	pusher.Registration,
}

// Debug are spoken beside All with serve --debug-echo, for conformance tests.
var Debug = []protocol.Registration{echo.Registration}
