package websocket

import (
	"log/slog"
	"runtime"
	"time"
)

// Config has the settings of a Server. A field that is zero has its default, except Compression, which is then off. (A
// struct tag has to stand on one line, however long its help is.)
type Config struct {
	Origins        []string `yaml:"origins" env:"ORIGINS" unit:"scheme://host[:port]"`
	TrustedProxies []string `yaml:"trusted_proxies" env:"TRUSTED_PROXIES" unit:"addresses or CIDRs"`

	HandshakeTimeout time.Duration `yaml:"handshake_timeout" env:"HANDSHAKE_TIMEOUT" envDefault:"10s" unit:"duration"`
	WriteTimeout     time.Duration `yaml:"write_timeout" env:"WRITE_TIMEOUT" envDefault:"10s" unit:"duration"`
	CloseGrace       time.Duration `yaml:"close_grace" env:"CLOSE_GRACE" envDefault:"1s" unit:"duration"`
	Writers          int           `yaml:"writers" env:"WRITERS" envDefault:"0" unit:"goroutines"`

	Compression          bool `yaml:"compression" env:"COMPRESSION" envDefault:"true" unit:"bool"`
	CompressionThreshold int  `yaml:"compression_threshold" env:"COMPRESSION_THRESHOLD" envDefault:"512" unit:"bytes"`

	MessageLimit int `yaml:"message_limit" env:"MESSAGE_LIMIT" envDefault:"16777216" unit:"bytes"`
	// MessageTimeout is a second less than the 30 s within which the last of many unfinished messages must be gone.
	MessageTimeout time.Duration `yaml:"message_timeout" env:"MESSAGE_TIMEOUT" envDefault:"29s" unit:"duration"`
	// A limit of 1,024 Fragments would refuse what intermediaries are known to do (a message of 2 KiB in frames of one
	// byte). With one more for every 4 bytes (fragmentBytes) 4 MiB may come in fragments of any size, but empty or tiny
	// fragments may not come without end.
	Fragments     int `yaml:"fragments" env:"FRAGMENTS" envDefault:"4096" unit:"frames"`
	ControlFrames int `yaml:"control_frames" env:"CONTROL_FRAMES" envDefault:"512" unit:"frames per second"`
	MaxSockets    int `yaml:"max_sockets" env:"MAX_SOCKETS" envDefault:"0" unit:"sockets"`

	// LoopbackOrigins lets the web pages of this machine connect: dev mode.
	LoopbackOrigins bool `yaml:"-" env:"-"`
	// Logger gets panics and failed upgrades, and at debug level messages and refusals; nil is slog.Default.
	Logger *slog.Logger `yaml:"-" env:"-"`
}

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"origins": "Origins of web pages that may connect, and get tickets, beside the server's own " +
			"host; https://*.example.org is all below, null a page without one, * all. Clients without Origin (no " +
			"browsers) may always.",
		"trusted_proxies":   "Proxies whose X-Forwarded-For, X-Forwarded-Host and X-Real-IP are believed.",
		"handshake_timeout": "How long checking a credential and answering a handshake may take.",
		"write_timeout": "How long a peer may take for 16 KiB, or for all that waits if that is less, " +
			"before it is cut off as slow.",
		"close_grace": "How long a closing socket may go on answering what came and writing what waited " +
			"before its close frame is sent.",
		"writers":               "How many goroutines write to sockets; 0 is one for every two CPUs.",
		"compression":           "Offer permessage-deflate, without context takeover.",
		"compression_threshold": "Messages smaller than this are not compressed.",
		"message_limit":         "How large a message from a client may be where its dialect sets no limit.",
		"message_timeout":       "How long a client may take to finish a message.",
		"fragments":             "How many fragments a message may have, beside one for every 4 bytes of it.",
		"control_frames":        "How many pings and pongs a client may send.",
		"max_sockets": "How many sockets may be open; 0 is as many as the limit of file descriptors " +
			"leaves room for (nine tenths of it, or more), which is the most.",
	}
}

// DefaultConfig has the default of each setting.
func DefaultConfig() Config { return Config{Compression: true}.filled() }

func (c Config) filled() Config {
	fill(&c.HandshakeTimeout, 10*time.Second)
	fill(&c.WriteTimeout, 10*time.Second)
	fill(&c.CloseGrace, time.Second)
	// The runtime polls the network only on a CPU that has nothing else to do, so half of them get no writer.
	fill(&c.Writers, max(1, runtime.GOMAXPROCS(0)/2))
	fill(&c.CompressionThreshold, 512)
	fill(&c.MessageLimit, 16<<20)
	fill(&c.MessageTimeout, 29*time.Second)
	fill(&c.Fragments, 4096)
	fill(&c.ControlFrames, 512)
	c.MaxSockets = c.Sockets()
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Sockets is how many sockets may be open in this process: MaxSockets within the FDBudget.
func (c Config) Sockets() int {
	most := DetectFDBudget().Sockets
	if c.MaxSockets > 0 {
		most = min(most, c.MaxSockets)
	}
	return most
}

func fill[T int | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}
