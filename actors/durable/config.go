package durable

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
)

// Config is what a store obeys. A field that is zero has its default.
type Config struct {
	Slots      int           `yaml:"slots" env:"SLOTS" envDefault:"16" unit:"slots" help:"Into how many Raft groups topics are divided. It is fixed at the first start."`
	Reserve    uint64        `yaml:"reserve" env:"RESERVE" envDefault:"67108864" unit:"bytes" help:"How much of the disk stays free; with less, durable publishes are refused. At most a quarter of the disk."`
	SyncEvery  time.Duration `yaml:"sync_every" env:"SYNC_EVERY" envDefault:"1s" unit:"duration" help:"How often relaxed topics reach the disk: what a crash of the machine may lose of them."`
	SweepEvery time.Duration `yaml:"sweep_every" env:"SWEEP_EVERY" envDefault:"10m" unit:"duration" help:"How often events that are too old are removed from topics that nobody uses."`
	Forget     time.Duration `yaml:"forget" env:"FORGET" envDefault:"720h" unit:"duration" help:"After how long without a publish a topic whose events are all too old is removed. If it comes back it has a new epoch."`

	Logger *slog.Logger `yaml:"-" env:"-"`
	// Fatal ends the process with a sentence, when the disk refuses what must not be refused. The default panics.
	Fatal func(sentence string) `yaml:"-" env:"-"`
	// Clock tells the time as time.Now does, which it is by default: the wall clock, which may be set at any moment, and
	// the monotonic reading, by which alone the store measures (clock.go).
	Clock func() time.Time `yaml:"-" env:"-"`
	// Boot names the machine's newest start and says how long ago that was, by a clock that cannot be set and goes on
	// while the machine sleeps. It confirms what the wall clock says of the time between two lives of the process. The
	// default knows nothing, with an empty name, and then that time does not count.
	Boot func() (id string, up time.Duration) `yaml:"-" env:"-"`
	// Files is the file system; the default is the machine's.
	Files vfs.FS `yaml:"-" env:"-"`
	// Rules says which topics are going to be durable, as Store.Serve is told; it is noted as soon as the directory is
	// locked, whenever the rest of it can be opened. "" is what Serve says, then.
	Rules string `yaml:"-" env:"-"`
	// Joins says that an empty store waits to be added to the groups of other nodes, and makes none of its own.
	Joins bool `yaml:"-" env:"-"`
	// Transport makes the transport of a slot's group; the default reaches nobody else.
	Transport func(partition int, id raft.ServerID) raft.Transport `yaml:"-" env:"-"`
}

func (c Config) withDefaults() Config {
	fill(&c.Slots, 16)
	fill(&c.Reserve, 64<<20)
	fill(&c.SyncEvery, time.Second)
	fill(&c.SweepEvery, 10*time.Minute)
	fill(&c.Forget, 720*time.Hour)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Fatal == nil {
		c.Fatal = func(sentence string) { panic(sentence) }
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Boot == nil {
		c.Boot = func() (string, time.Duration) { return "", 0 }
	}
	if c.Files == nil {
		c.Files = vfs.Default
	}
	if c.Transport == nil {
		c.Transport = alone
	}
	return c
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// alone is the transport of a group of one. It reaches itself, so that the group can be told to elect at once.
func alone(_ int, id raft.ServerID) raft.Transport {
	address, t := raft.NewInmemTransport(raft.ServerAddress(id))
	t.Connect(address, t)
	return t
}
