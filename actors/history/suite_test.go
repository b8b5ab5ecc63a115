package history_test

import (
	"testing"

	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/history/suite"
)

func TestMemory_PassesTheSuite(t *testing.T) {
	suite.Run(t, suite.Store{New: func(_ *testing.T, b history.Bounds) history.History {
		return history.NewMemory(b).InEpoch("e")
	}})
}
