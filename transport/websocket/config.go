package websocket

import (
	"log/slog"
	"runtime"
	"time"
)

// Config has the settings of a Server. A field that is zero has its default, except Compression, which is then off.
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
