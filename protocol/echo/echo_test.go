package echo

import (
	"bytes"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

func TestEcho_SaysBackWhatItHearsInItsOwnCopy(t *testing.T) {
	made, refusal := Dialect{}.Open(protocol.Handshake{})
	if made.Credential != nil || refusal != nil {
		t.Fatalf("Open asked for %v and refused with %v", made.Credential, refusal)
	}
	session := made.Session
	if opened := session.OnOpen(time.Time{}, 1); len(opened) != 0 {
		t.Errorf("it speaks first: %v", opened)
	}
	frames := []protocol.ClientMessage{{Data: []byte("grüße")}, {Data: []byte{0xff, 0}, Binary: true}, {}}
	for _, frame := range frames {
		heard := bytes.Clone(frame.Data)
		messages, commands := session.Receive(time.Time{}, frame)
		clear(frame.Data) // the reader's buffer goes on to other uses
		if messages != 1 || len(commands) != 1 {
			t.Fatalf("%q counted as %d messages and made %v", heard, messages, commands)
		}
		if say, ok := commands[0].(protocol.Send); !ok || !bytes.Equal(say.Text, heard) || say.Binary != frame.Binary {
			t.Errorf("heard %q (binary %v), said %+v", heard, frame.Binary, commands[0])
		}
	}
}

func TestEcho_FinalRefusalEndsInCloseOthersAreSilent(t *testing.T) {
	opened, _ := Dialect{}.Open(protocol.Handshake{})
	session := opened.Session
	refusal := protocol.Refuse(protocol.Draining, "")
	if commands := session.OnReject(time.Time{}, refusal, false); commands != nil {
		t.Errorf("a refusal that is not final says %v", commands)
	}
	commands := session.OnReject(time.Time{}, refusal, true)
	if end, ok := commands[len(commands)-1].(protocol.Close); !ok || end.Code != 1012 {
		t.Errorf("the last command is %+v, not a Close with 1012", commands[len(commands)-1])
	}
}

func TestEcho_LimitsMessagesAndNothingElse(t *testing.T) {
	if got := (Dialect{}).Limits(); got != (protocol.Limits{Frame: 16 << 20}) {
		t.Errorf("limits are %+v", got)
	}
	if got := (Dialect{Frame: 9}).Limits().Frame; got != 9 {
		t.Errorf("frame limit is %d, not the configured 9", got)
	}
}
