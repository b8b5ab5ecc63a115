package airlay

import (
	"fmt"
	"net"
	"strconv"
	"time"
)

// Config is what AirLay obeys; address and port are those of its document's section webSocketEvents.
type Config struct {
	// Address and Port are a listener of AirLay's own, beside the shared one (default 0.0.0.0 and 0). Port 0 is none.
	Address string `yaml:"address" env:"ADDRESS" envDefault:"0.0.0.0" unit:"address" help:"The address of AirLay's own listener, where / and /ws speak AirLay alone."`
	Port    int    `yaml:"port" env:"PORT" envDefault:"0" unit:"port" help:"The port of AirLay's own listener, 8081 in its document; 0 is no listener."`
	// FrameBytes bounds a request, from 2048 to 1048576 (default 65536): the token alone has about 1 KB.
	FrameBytes int `yaml:"frame_bytes" env:"FRAME_BYTES" envDefault:"65536" unit:"bytes" help:"The largest request, token included; from 2048 to 1048576."`
	// RequestsPerSecond bounds what one connection asks (default 100). 0 is no limit.
	RequestsPerSecond int `yaml:"requests_per_second" env:"REQUESTS_PER_SECOND" envDefault:"100" unit:"requests" help:"How many requests one connection may send in a second; 0 is no limit."`
	// Attachments bounds what one connection attaches to, from 1 to 100000 (default 1000).
	Attachments int `yaml:"attachments" env:"ATTACHMENTS" envDefault:"1000" unit:"attachments" help:"How much one connection may attach to; from 1 to 100000."`
	// LoginTimeout is how long a connection may stay without a valid token, from 1s to 1h (default 20s).
	LoginTimeout time.Duration `yaml:"login_timeout" env:"LOGIN_TIMEOUT" envDefault:"20s" unit:"duration" help:"How long a connection may stay without a request whose token holds; from 1s to 1h."`
}

// DefaultConfig is what holds where nothing is set.
func DefaultConfig() Config {
	return Config{Address: "0.0.0.0", FrameBytes: 64 << 10, RequestsPerSecond: 100, Attachments: 1000, LoginTimeout: 20 * time.Second}
}

// Check says what is wrong with the configuration, by key, or nil.
func (c Config) Check() error {
	for _, bound := range []struct {
		key            string
		is, from, upTo int
	}{
		{"port", c.Port, 0, 65535},
		{"frame_bytes", c.FrameBytes, 2048, 1 << 20},
		{"requests_per_second", c.RequestsPerSecond, 0, 1 << 30},
		{"attachments", c.Attachments, 1, 100_000},
	} {
		if bound.is < bound.from || bound.is > bound.upTo {
			return fmt.Errorf("%s is %d; it goes from %d to %d", bound.key, bound.is, bound.from, bound.upTo)
		}
	}
	if c.LoginTimeout < time.Second || c.LoginTimeout > time.Hour {
		return fmt.Errorf("login_timeout is %s; it goes from 1s to 1h", c.LoginTimeout)
	}
	return nil
}

// Listen is where AirLay's own listener listens, "" if it has none.
func (c Config) Listen() string {
	if c.Port == 0 {
		return ""
	}
	return net.JoinHostPort(c.Address, strconv.Itoa(c.Port))
}
