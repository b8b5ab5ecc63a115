package durable

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
)

// Config configures a store. A field that is zero has its default.
type Config struct {
	// Partitions is into how many Raft groups topics are divided (default 16). The first start fixes it.
	Partitions int `yaml:"slots" env:"SLOTS" envDefault:"16" unit:"slots"`
	// Reserve is how much of the disk stays free, in bytes (default 64 MiB); at most a quarter of the disk.
	Reserve uint64 `yaml:"reserve" env:"RESERVE" envDefault:"67108864" unit:"bytes"`
	// SyncEvery is how often relaxed topics reach the disk (default 1s).
	SyncEvery time.Duration `yaml:"sync_every" env:"SYNC_EVERY" envDefault:"1s" unit:"duration"`
	// RetentionEvery is how often events that are too old are removed from topics that nobody uses (default 10m).
	RetentionEvery time.Duration `yaml:"sweep_every" env:"SWEEP_EVERY" envDefault:"10m" unit:"duration"`
	// Forget is after how long without a publish a topic whose events are all too old is removed (default 720h).
	Forget time.Duration `yaml:"forget" env:"FORGET" envDefault:"720h" unit:"duration"`

	Logger *slog.Logger `yaml:"-" env:"-"`
	// Fatal ends the process and is given the reason as a sentence. It is called when the disk refuses a write without
	// which the store cannot go on. The default panics.
	Fatal func(sentence string) `yaml:"-" env:"-"`
	// Clock tells the time, by default as time.Now: the wall clock, which may be set at any moment, and a monotonic
	// reading, which alone the store measures by (clock.go).
	Clock func() time.Time `yaml:"-" env:"-"`
	// Boot names the machine's newest start and says how long ago it was, by a clock that cannot be set and that runs
	// on while the machine sleeps. It confirms what the wall clock says of the time between two runs of the process.
	// The default returns an empty name, and then that time does not count.
	Boot func() (id string, up time.Duration) `yaml:"-" env:"-"`
	// Files is the file system; the default is the machine's.
	Files vfs.FS `yaml:"-" env:"-"`
	// Rules says which topics are going to be durable, as Store.SetRules will be told. The store notes it as soon as it
	// has locked the directory, however long the rest of the opening takes. If it is "", the store waits for SetRules.
	Rules string `yaml:"-" env:"-"`
	// Joins makes an empty store wait until it is added to the groups of other nodes, instead of making groups of its
	// own.
	Joins bool `yaml:"-" env:"-"`
	// Transport makes the transport of a partition's group; that of the default reaches nobody else.
	Transport func(partition int, id raft.ServerID) raft.Transport `yaml:"-" env:"-"`
}

// MaxPartitions bounds Config.Partitions: each costs six goroutines and a heartbeat.
const MaxPartitions = 256

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"slots": "Into how many Raft groups topics are divided. It is fixed at the first start.",
		"reserve": "How much of the disk stays free; with less, durable publishes are refused. At most a quarter of " +
			"the disk.",
		"sync_every":  "How often relaxed topics reach the disk: what a crash of the machine may lose of them.",
		"sweep_every": "How often events that are too old are removed from topics that nobody uses.",
		"forget": "After how long without a publish a topic whose events are all too old is removed. If it comes " +
			"back it has a new epoch.",
	}
}

func (c Config) withDefaults() Config {
	fill(&c.Partitions, 16)
	fill(&c.Reserve, 64<<20)
	fill(&c.SyncEvery, time.Second)
	fill(&c.RetentionEvery, 10*time.Minute)
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
