package tally

import (
	"embed"
	"testing"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/dialecttest"
)

//go:embed transcripts/*.txt
var transcripts embed.FS

func TestTranscripts(t *testing.T) {
	for _, transcript := range dialecttest.Load(t, transcripts, "transcripts/*.txt") {
		t.Run(transcript.Name, func(t *testing.T) {
			dialecttest.Play(t, transcript, dialecttest.NewEngine(t,
				func(s dialecttest.Settings) (protocol.Dialect, error) {
					config := DefaultConfig()
					err := s.Apply(&config)
					return config.Dialects()[0], err
				}))
		})
	}
}

func TestConfig_DefaultsAreThoseOfItsTags(t *testing.T) {
	dialecttest.CheckDefaults(t, DefaultConfig())
}
