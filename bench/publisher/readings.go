package publisher

import (
	"fmt"
	"math/rand/v2"
)

// readings are n letters that look like the readings of sensors: words that come again, numbers that do not. They are
// the same in each run.
func readings(n int) string {
	names := [...]string{"temperature", "humidity", "pressure", "voltage", "current", "flow", "level", "speed"}
	chance := rand.New(rand.NewPCG(1, 2))
	var text []byte
	for len(text) < n {
		text = fmt.Appendf(text, "{'sensor':'%s-%d','value':%.3f,'at':%d},", names[chance.IntN(len(names))],
			chance.IntN(100), 1000*chance.Float64(), 1_764_560_000_000+chance.Int64N(1_000_000))
	}
	return string(text[:n])
}
