package history

import (
	"crypto/rand"
	"strings"
)

// NewEpoch names one life of a topic, or of anything else whose positions are worth nothing in the next one. Epochs are
// never reused.
func NewEpoch() string { return strings.Clone(rand.Text()[:12]) }
