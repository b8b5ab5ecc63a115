// Package config is how Parley is set up: one YAML file, the environment over it, a few flags over both.
//
// It is the only place that reads configuration. Each package declares the Config that it obeys, with its keys, names
// in the environment, defaults and units as tags, and a line of meaning for each key in a method Help; Config puts them
// together, with a section for each protocol of a list, and Load fills it. An explicit false or 0 in the file is a
// value like any other.
//
// It promises that Load finds every problem in one go, each with file, line and key (or the variable or flag that set
// it), names the nearest known key for an unknown one, and never repeats a value, which may be a secret.
//
// It asks for the list of protocols. It does not know which there are, nor what the settings do.
package config

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/durable"
	"github.com/parley-realtime/parley/actors/limit"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/cmd/parley/memory"
	"github.com/parley-realtime/parley/protocol/firstframe"
	"github.com/parley-realtime/parley/transport/api"
	"github.com/parley-realtime/parley/transport/auth"
	"github.com/parley-realtime/parley/transport/sse"
	"github.com/parley-realtime/parley/transport/websocket"
)

// Config is everything that can be set.
type Config struct {
	Listen         string `yaml:"listen" env:"LISTEN" envDefault:"127.0.0.1:8000" unit:"host:port"`
	InternalListen string `yaml:"internal_listen" env:"INTERNAL_LISTEN" envDefault:"127.0.0.1:8001" unit:"host:port"`
	InternalPublic bool   `yaml:"internal_public" env:"INTERNAL_PUBLIC" envDefault:"false"`

	Drain     time.Duration     `yaml:"drain" env:"DRAIN" envDefault:"30s" unit:"duration"`
	Data      string            `yaml:"data" env:"DATA" unit:"directory"`
	Feed      bool              `yaml:"feed" env:"FEED" envDefault:"false"`
	Log       Log               `yaml:"log" envPrefix:"LOG_"`
	TLS       TLS               `yaml:"tls" envPrefix:"TLS_"`
	Memory    memory.Config     `yaml:"memory" envPrefix:"MEMORY_"`
	Engine    actors.Config     `yaml:"engine" envPrefix:"ENGINE_"`
	WebSocket websocket.Config  `yaml:"websocket" envPrefix:"WEBSOCKET_"`
	API       api.Config        `yaml:"api" envPrefix:"API_"`
	Auth      auth.Config       `yaml:"auth" envPrefix:"AUTH_"`
	Protocols []Protocol        `yaml:",protocols" env:"-"`
	Shared    firstframe.Config `yaml:"shared" envPrefix:"SHARED_"`
	Events    sse.Config        `yaml:"events" envPrefix:"EVENTS_"`
	Hosts     []Host            `yaml:"hosts" env:"-"`
	Listeners []Listener        `yaml:"listeners" env:"-"`
	Topics    Topics            `yaml:"topics" envPrefix:"TOPICS_"`
	// TopicRules hold for all tenants, behind those of a tenant. Topics.Rules is their older name: both are obeyed.
	TopicRules []policy.Rule    `yaml:"topic_rules" env:"-"`
	Store      durable.Config   `yaml:"store" envPrefix:"STORE_"`
	Rates      limit.RateLimits `yaml:"rates" envPrefix:"RATES_"`
	Tenants    []Tenant         `yaml:"tenants" env:"-"`

	// Effective are the settings that are not just defaults, for people to look at. Load fills it.
	Effective  []Effective `yaml:"-" env:"-"`
	provenance *locator    // where the settings came from; nil if they were not loaded
}

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"listen":          "Where clients and backends connect.",
		"internal_listen": "Health, metrics and the OpenAPI document; dev mode serves them on listen.",
		"internal_public": "Let internal_listen be an address that is not loopback.",
		"drain": "How long the closing of all connections may take on SIGTERM; a thousand a second are " +
			"told, more if they are too many for that. Keep it, and 5s more, below what the platform waits. 2s in " +
			"dev mode.",
		"data": "Where the server keeps what must survive it: durable topics, certificates.",
		"feed": "Publish lively sample events to every tenant; on in dev mode.",
	}
}

// Settings are all settings, in the order of the structs that declare them.
func (c *Config) Settings() []Setting {
	all := settings(reflect.ValueOf(c).Elem(), "", prefix)
	words := c.helpWords()
	for i := range all {
		all[i].Help = words.Replace(all[i].Help)
	}
	return all
}

// value is what a setting is; key is one without [].
func (c *Config) value(key string) reflect.Value {
	at := reflect.ValueOf(c).Elem()
	for name := range strings.SplitSeq(key, ".") {
		at, _ = fieldNamed(at, name)
	}
	return at
}

// Limits are the settings of each tenant for the engine.
func (c *Config) Limits() []actors.TenantConfig {
	all := make([]actors.TenantConfig, len(c.Tenants))
	for i := range c.Tenants {
		t := &c.Tenants[i]
		all[i] = actors.TenantConfig{Name: t.Name, Connections: t.Connections, Linger: t.Linger,
			Lifecycle: t.Lifecycle.limits(), Rates: merge(t.Rates, c.Rates), Rules: policy.Rules{
				List: slices.Concat(t.TopicRules, c.TopicRules, c.Topics.Rules), Durable: c.Topics.Durable,
				Sync: c.Topics.Sync, Slow: c.Topics.Slow, BatchWindow: c.Topics.BatchWindow,
			}}
	}
	return all
}

// HasDurableTopics reports whether any topic is to be durable.
func (c *Config) HasDurableTopics() bool {
	isDurable := func(r policy.Rule) bool { return r.Store == policy.Durable }
	return len(c.Topics.Durable) > 0 || slices.ContainsFunc(slices.Concat(c.TopicRules, c.Topics.Rules), isDurable) ||
		slices.ContainsFunc(c.Tenants, func(t Tenant) bool { return slices.ContainsFunc(t.TopicRules, isDurable) })
}

// Log is the format of the log, on stderr.
type Log struct {
	Format string `yaml:"format" env:"FORMAT" envDefault:"text" unit:"json|text"`
	Level  string `yaml:"level" env:"LEVEL" envDefault:"info" unit:"debug|info|warn|error"`
}

// Help is one line of meaning for each key.
func (Log) Help() map[string]string {
	return map[string]string{
		"format": "One line per event, as JSON or for a person.",
		"level":  "The least that is worth a line.",
	}
}

// TLS is by certificate files, which SIGHUP reads again, or by ACME, or off.
type TLS struct {
	Certificate string `yaml:"certificate" env:"CERTIFICATE" unit:"file"`
	Key         string `yaml:"key" env:"KEY" unit:"file"`
	ACME        ACME   `yaml:"acme" envPrefix:"ACME_"`
}

// Help is one line of meaning for each key.
func (TLS) Help() map[string]string {
	return map[string]string{
		"certificate": "PEM certificate chain for listen; read again on SIGHUP.",
		"key":         "PEM private key of the certificate.",
	}
}

// ACME gets certificates from an authority such as Let's Encrypt, through the TLS-ALPN challenge on listen, which
// therefore has to be reachable as port 443.
type ACME struct {
	Domains   []string `yaml:"domains" env:"DOMAINS" unit:"names"`
	Email     string   `yaml:"email" env:"EMAIL" unit:"address"`
	Cache     string   `yaml:"cache" env:"CACHE" unit:"directory"`
	Directory string   `yaml:"directory" env:"DIRECTORY" unit:"URL"`
}

// Help is one line of meaning for each key.
func (ACME) Help() map[string]string {
	return map[string]string{
		"domains":   "Get certificates for these names; accepts the authority's terms.",
		"email":     "Whom the authority may write to.",
		"cache":     "Where certificates are kept; empty for acme below data.",
		"directory": "The authority; empty for Let's Encrypt.",
	}
}

// On reports whether the public address speaks TLS.
func (t *TLS) On() bool { return t.Certificate != "" || len(t.ACME.Domains) > 0 }
