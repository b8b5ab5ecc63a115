package settings

import (
	"log/slog"
	"time"

	"github.com/parley-realtime/parley/actors/health"
	"github.com/parley-realtime/parley/actors/history"
	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/policy"
)

// Config is the settings of a node, the section `engine` of a configuration. A field that is zero has its default.
type Config struct {
	MailboxSize  int           `yaml:"mailbox_size" env:"MAILBOX_SIZE" envDefault:"4096" unit:"messages"`
	QueueBytes   int           `yaml:"queue_bytes" env:"QUEUE_BYTES" envDefault:"1048576" unit:"bytes"`
	QueueFrames  int           `yaml:"queue_frames" env:"QUEUE_FRAMES" envDefault:"16384" unit:"frames"`
	Backlog      int64         `yaml:"backlog" env:"BACKLOG" envDefault:"8388608" unit:"bytes"`
	WriteDelay   time.Duration `yaml:"write_delay" env:"WRITE_DELAY" envDefault:"0s" unit:"duration"`
	PublishWait  time.Duration `yaml:"publish_wait" env:"PUBLISH_WAIT" envDefault:"5s" unit:"duration"`
	PingEvery    time.Duration `yaml:"ping_every" env:"PING_EVERY" envDefault:"25s" unit:"duration"`
	Timeout      time.Duration `yaml:"timeout" env:"TIMEOUT" envDefault:"0s" unit:"duration"`
	StuckAfter   time.Duration `yaml:"stuck_after" env:"STUCK_AFTER" envDefault:"5s" unit:"duration"`
	HistoryCount int           `yaml:"history_count" env:"HISTORY_COUNT" envDefault:"128" unit:"events"`
	HistoryBytes int           `yaml:"history_bytes" env:"HISTORY_BYTES" envDefault:"262144" unit:"bytes"`
	HistoryAge   time.Duration `yaml:"history_age" env:"HISTORY_AGE" envDefault:"10m" unit:"duration"`
	DurableCount int           `yaml:"durable_count" env:"DURABLE_COUNT" envDefault:"1000000" unit:"events"`
	DurableBytes int           `yaml:"durable_bytes" env:"DURABLE_BYTES" envDefault:"1073741824" unit:"bytes"`
	DurableAge   time.Duration `yaml:"durable_age" env:"DURABLE_AGE" envDefault:"168h" unit:"duration"`
	DedupCount   int           `yaml:"dedup_count" env:"DEDUP_COUNT" envDefault:"4096" unit:"ids"`
	DedupAge     time.Duration `yaml:"dedup_age" env:"DEDUP_AGE" envDefault:"2m" unit:"duration"`
	InboxCount   int           `yaml:"inbox_count" env:"INBOX_COUNT" envDefault:"100" unit:"messages"`
	InboxAge     time.Duration `yaml:"inbox_age" env:"INBOX_AGE" envDefault:"1h" unit:"duration"`
	TopicIdle    time.Duration `yaml:"topic_idle" env:"TOPIC_IDLE" envDefault:"15m" unit:"duration"`
	Topics       int           `yaml:"topics" env:"TOPICS" envDefault:"1000000" unit:"topics"`
	Linger       time.Duration `yaml:"linger" env:"LINGER" envDefault:"0s" unit:"duration"`

	RequestTimeout time.Duration `yaml:"request_timeout" env:"REQUEST_TIMEOUT" envDefault:"10s" unit:"duration"`

	// Here 0 is no limit.
	Unauthenticated           int `yaml:"unauthenticated" env:"UNAUTHENTICATED" envDefault:"10000" unit:"connections"`
	UnauthenticatedPerAddress int `yaml:"unauthenticated_per_address" env:"UNAUTHENTICATED_PER_ADDRESS" envDefault:"1000" unit:"connections"`

	// Here 0 keeps nothing.
	Recorder      int `yaml:"recorder" env:"RECORDER" envDefault:"10000" unit:"entries"`
	RecorderBytes int `yaml:"recorder_bytes" env:"RECORDER_BYTES" envDefault:"8388608" unit:"bytes"`

	Logger *slog.Logger `yaml:"-" env:"-"`
	// Clock returns the time as time.Now does, which is its default: the wall clock, which may be set at any moment,
	// and the monotonic reading. Topics and users go by the monotonic reading alone when they remember, recognise, hold
	// back or forget an event.
	Clock func() time.Time `yaml:"-" env:"-"`
	// Memory reports how much memory the process has left, so that the node sheds load before it runs out; nil for no
	// shedding.
	Memory health.Memory `yaml:"-" env:"-"`
}

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"mailbox_size": "How many messages may wait for one actor; the sender of one more is told " +
			"that it is busy.",
		"queue_bytes": "How much may wait for one slow reader; with more, the topic's rule says " +
			"what becomes of it (topics.slow).",
		"queue_frames": "How many frames may wait for one slow reader; with more, the topic's rule " +
			"says what becomes of it (topics.slow).",
		"backlog": "How much may wait for all readers together before publishers are slowed " +
			"down; less for fewer than 4,096 of them.",
		"write_delay": "How long an event may wait for more of the same connection, whatever their topics, so that " +
			"they leave in one write; 0s is off, at most 10s.",
		"publish_wait": "How long a publish may wait for its answer before it is refused as busy.",
		"ping_every":   "The interval of WebSocket pings.",
		"timeout": "A peer that was silent for this long is gone; 0 is twice the ping " +
			"interval and 2 s, for two pings and their answers.",
		"stuck_after": "An actor that is in one message for this long while others wait is named " +
			"in the log, the metrics and /readyz.",
		"history_count": "How many events a topic remembers.",
		"history_bytes": "How much a topic remembers.",
		"history_age":   "How long a topic remembers an event.",
		"durable_count": "How many events a durable topic remembers.",
		"durable_bytes": "How much a durable topic remembers.",
		"durable_age":   "How long a durable topic remembers an event.",
		"dedup_count":   "How many event ids a topic or user recognises.",
		"dedup_age":     "How long an event id is recognised.",
		"inbox_count": "How many messages wait for a user without a connection, for dialects that " +
			"have an inbox (authentik); 0 is none.",
		"inbox_age":  "How long a message waits for a user without a connection.",
		"topic_idle": "How long a topic that nobody uses is kept. Keep it above history_age.",
		"topics":     "How many topics one tenant may have at a time.",
		"linger": "How long a client whose connection broke may come back and find its " +
			"subscriptions and what it missed, without asking; 0 is off. Keep it below history_age and topic_idle.",
		"request_timeout": "How long what a client asks for (a login, a subscription, a resume) may " +
			"wait for its answer, that of the tenant's backend included, before it is refused as busy.",
		"unauthenticated": "How many connections may be open that have not said who they are, of all " +
			"tenants together; with one more it is 503. At most half of websocket.max_sockets.",
		"unauthenticated_per_address": "How many of them one address may have (of IPv6 one /64); with one more it " +
			"is 429. A proxy of a private network that is not in websocket.trusted_proxies counts for no address.",
		"recorder": "How many connections that have ended are remembered with how and why, and as many refused " +
			"handshakes and logins (parley why); 0 is none.",
		"recorder_bytes": "How much memory the ended connections may take there, and as much the refusals; the " +
			"oldest make room.",
	}
}

// WithDefaults fills the fields that are zero and have a default.
func (c Config) WithDefaults() Config {
	fill(&c.MailboxSize, 4096)
	c.MailboxSize = min(c.MailboxSize, MaxMailbox)
	fill(&c.QueueBytes, 1<<20)
	fill(&c.QueueFrames, 16384)
	fill(&c.Backlog, 8<<20)
	fill(&c.PublishWait, 5*time.Second)
	fill(&c.RequestTimeout, 10*time.Second)
	fill(&c.PingEvery, 25*time.Second)
	c.Timeout = c.SilentAfter()
	fill(&c.StuckAfter, 5*time.Second)
	fill(&c.HistoryCount, 128)
	fill(&c.HistoryBytes, 256<<10)
	fill(&c.HistoryAge, 10*time.Minute)
	fill(&c.DurableCount, 1_000_000)
	fill(&c.DurableBytes, 1<<30)
	fill(&c.DurableAge, 7*24*time.Hour)
	fill(&c.DedupCount, 4096)
	fill(&c.DedupAge, 2*time.Minute)
	fill(&c.InboxAge, time.Hour)
	fill(&c.TopicIdle, 15*time.Minute)
	fill(&c.Topics, 1_000_000)
	fill(&c.RecorderBytes, 8<<20)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// SilentAfter is how long a peer may be silent before the node takes it for gone, unless its dialect allows more:
// Timeout if that is set, otherwise what follows from PingEvery.
func (c Config) SilentAfter() time.Duration {
	if c.Timeout != 0 {
		return c.Timeout
	}
	return 2*c.PingEvery + pongGrace
}

// pongGrace is the time a peer has for its answer to the second ping in a row, if no other timeout is set: so a peer
// that vanishes is gone within two ping intervals and 5 s.
const pongGrace = 2 * time.Second

// MaxMailbox is a bound, in messages, that no mailbox ever reaches.
const MaxMailbox = 1 << 24

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// TopicDefaults are the numbers for topics whose rule sets none.
func (c *Config) TopicDefaults() policy.Defaults {
	return policy.Defaults{
		Memory:     history.Bounds{Count: c.HistoryCount, Bytes: c.HistoryBytes, Age: c.HistoryAge},
		Durable:    history.Bounds{Count: c.DurableCount, Bytes: c.DurableBytes, Age: c.DurableAge},
		DedupCount: c.DedupCount,
		DedupAge:   c.DedupAge,
	}
}

// Outbox is what one outbox may hold.
func (c *Config) Outbox() outbox.Limits {
	return outbox.Limits{Bytes: c.QueueBytes, Frames: c.QueueFrames}
}

// EventWhen says when an event that does not wait for more of its topic wakes a transport that sleeps. born is when it
// was published: events of the server's own, which have 0, wait for nothing.
func (c *Config) EventWhen(born int64) outbox.When {
	if born != 0 && c.WriteDelay > 0 {
		return outbox.Delayed
	}
	return outbox.AtOnce
}
