package actors

import "github.com/asynkron/protoactor-go/actor"

// registryShards is how many of protoactor's 1,024 registry buckets are kept. Each has 32 maps of its own, and a map
// with one entry takes up 260 bytes: with 32,768 of them, actors cost 130 bytes more apiece until there are a million.
// 512 maps are plenty for locks that are held for one look-up.
const registryShards = 16

// compact shrinks the system's process registry. It has to come before anything is spawned.
func compact(system *actor.ActorSystem) {
	registry := system.ProcessRegistry.LocalPIDs
	all := registry.LocalPIDs
	registry.LocalPIDs = append(all[:0:0], all[:registryShards]...)
	for _, bucket := range all {
		for id, process := range bucket.Items() {
			bucket.Remove(id)
			registry.GetBucket(id).Set(id, process)
		}
	}
}
