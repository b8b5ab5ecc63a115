package outbox

import "hash/maphash"

// fate is what may become of a frame that waits for a slow reader.
type Policy uint8

const (
	Keep          Policy = iota // it arrives, or the connection ends
	DropOldest                  // it may be dropped for newer ones of its topic
	Conflate                    // it may be replaced by a newer one of its topic and key, too
	controlBehind               // it is said to this client alone, and no event
	placeholder                 // it stands for a frame in a lane (loose.go)
)

// seed is of the hashes by which outboxes tell topics and keys apart. Two topics of one outbox that share a hash share
// what they may lose.
var seed = maphash.MakeSeed()

// bind says what may become of the frame of an event. It is called before anybody else knows the frame.
func (f *Frame) Bind(policy Policy, topic, key string) {
	if f == nil || policy == Keep {
		return
	}
	f.policy = policy
	whole := maphash.String(seed, topic)
	f.topic = uint32(whole)
	f.key = maphash.String(seed, key) ^ (whole<<31 | whole>>33)
}
