package config

import (
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/websocket"
)

// check adds a problem for each setting that can be read but makes no sense.
func (l *Result) check(dev bool) {
	c := &l.Config
	l.checkAddresses(dev)
	l.oneOf("log.format", c.Log.Format, "json", "text")
	l.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	if c.Drain < 0 || c.Drain > time.Hour {
		l.addProblem("drain", "must be between 0s and 1h")
	}
	l.checkTLS()
	l.checkNumbers()
	l.checkTimeouts()
	l.checkProtocols(dev)
	l.addSettingErrors("memory", c.Memory.Check())
	l.addSettingErrors("websocket", c.checkWebSocket())
	if c.Shared.FirstFrameTimeout < time.Second || c.Shared.FirstFrameTimeout > time.Hour {
		l.addProblem("shared.first_frame_timeout", "must be between 1s and 1h")
	}
	if c.API.AdminKey != "" && len(c.API.AdminKey) < minAPIKey {
		l.addProblem("api.admin_key", fmt.Sprintf("is too short; the least is %d bytes (openssl rand -hex 24)",
			minAPIKey))
	}
	l.checkListeners(dev)
	l.checkTopics()
	if dev {
		if _, ok := l.lines["tenants"]; ok {
			l.addProblem("tenants", "dev mode has one tenant of its own; leave tenants out, or start without --dev")
		}
		return
	}
	l.checkTenants()
}

// checkWebSocket asks the package websocket, which checks a configuration by making a server of it.
func (c *Config) checkWebSocket() error {
	made, err := websocket.New(c.WebSocket, nil, nil, nil)
	if err == nil {
		made.Close()
	}
	return err
}

// zeroIsDefault are the sections whose packages take 0 for "the default": there an explicit 0 would not be obeyed.
var zeroIsDefault = []string{"engine.", "websocket.", "api.", "auth."}

// checkNumbers refuses negative numbers, and an explicit 0 that would not be obeyed.
func (l *Result) checkNumbers() {
	c := &l.Config
	for _, s := range c.Settings() {
		if strings.Contains(s.Key, "[]") {
			continue
		}
		value := c.value(s.Key)
		if !value.CanInt() {
			continue
		}
		obeyed := !slices.ContainsFunc(zeroIsDefault,
			func(section string) bool { return strings.HasPrefix(s.Key, section) })
		switch none := s.Default == "0" || s.Default == "" || s.Default == "0s"; {
		case value.Int() < 0:
			l.addProblem(s.Key, "must not be negative")
		case value.Int() == 0 && !none && !obeyed:
			l.addProblem(s.Key, "must be greater than 0; leave it out for the default, "+s.Default)
		}
	}
}

func (l *Result) oneOf(key, value string, words ...string) {
	if !slices.Contains(words, value) {
		l.addProblem(key, "must be one of "+strings.Join(words, ", "))
	}
}

func (l *Result) checkAddresses(dev bool) {
	c := &l.Config
	public := l.address("listen", c.Listen)
	if dev && public != "" && !Loopback(c.Listen) {
		l.addProblem("listen", "dev mode serves loopback alone (127.0.0.1, ::1 or localhost); its keys are public "+
			"knowledge")
	}
	if c.InternalListen == "" {
		if !dev {
			l.addProblem("internal_listen", "must be an address; only dev mode serves it on listen")
		}
		return
	}
	internal := l.address("internal_listen", c.InternalListen)
	switch {
	case internal == "":
	case c.InternalListen == c.Listen && !strings.HasSuffix(c.Listen, ":0"):
		l.addProblem("internal_listen", "is the same address as listen")
	case !Loopback(c.InternalListen) && !c.InternalPublic:
		l.addProblem("internal_listen", "is not loopback: everybody could read metrics; use 127.0.0.1, or set "+
			"internal_public: true")
	}
}

// address returns the host of a host:port, "*" for all hosts; it adds a problem for anything else, and returns "".
func (l *Result) address(key, address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		l.addProblem(key, "must be host:port, such as 127.0.0.1:8000")
		return ""
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		l.addProblem(key, "the port must be a number from 0 (any free one) to 65535")
		return ""
	}
	if host == "" {
		return "*"
	}
	return host
}

// Loopback reports whether only this machine can reach an address.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (l *Result) checkTLS() {
	t := &l.Config.TLS
	switch {
	case (t.Certificate == "") != (t.Key == ""):
		l.addProblem("tls", "certificate and key belong together; one is missing")
	case t.Certificate != "" && len(t.ACME.Domains) > 0:
		l.addProblem("tls.acme.domains", "is set beside tls.certificate; choose one")
	case t.Certificate != "":
		pair, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
		if err != nil {
			l.addProblem("tls.certificate", "cannot be used with tls.key: "+cause(err))
			return
		}
		l.checkCertificate(&pair)
	case len(t.ACME.Domains) > 0 && t.ACME.Cache == "" && l.Config.Data == "":
		l.addProblem("tls.acme.cache", "is missing; without it (or data) each start would ask for new certificates "+
			"until the authority refuses")
	}
}

func (l *Result) checkTenants() {
	c := &l.Config
	if len(c.Tenants) == 0 {
		l.addProblem("tenants", "none; name at least one in the file, or start with --dev")
	}
	seen := map[string]string{} // what must be unique, and who has it
	for i := range c.Tenants {
		t, key := &c.Tenants[i], fmt.Sprintf("tenants[%d]", i)
		if err := protocol.CheckName("the name", t.Name); err != nil {
			l.addProblem(key+".name", err.Error())
		}
		l.unique(seen, "tenant "+t.Name, key, key+".name", "another tenant has this name")
		for j, host := range t.Hosts {
			same := func(other string) bool { return CanonicalHost(other) == CanonicalHost(host) }
			if slices.ContainsFunc(t.Hosts[:j], same) {
				l.addProblem(fmt.Sprintf("%s.hosts[%d]", key, j), "is there twice")
			}
		}
		l.checkAPIKeys(seen, t, key)
		l.checkKeys(t, key)
		if t.Connections < 0 {
			l.addProblem(key+".connections", "must not be negative; 0 is no limit")
		}
		l.checkRules(t.TopicRules, key+".topic_rules")
		l.checkRates(&t.Rates, key+".rates")
		l.checkLifecycle(&t.Lifecycle, key+".lifecycle")
	}
	if len(l.Problems) == 0 {
		l.checkSharedHosts()
	}
}

func (l *Result) unique(seen map[string]string, what, owner, key, text string) {
	if other, ok := seen[what]; ok && other != owner {
		l.addProblem(key, text)
	}
	seen[what] = owner
}

// minAPIKey is the least length of a backend's key, in bytes: short ones can be guessed.
const minAPIKey = 16

func (l *Result) checkAPIKeys(seen map[string]string, t *Tenant, key string) {
	keys, err := t.BackendKeys()
	if err != nil {
		l.addProblem(key+".api_key_file", err.Error())
	}
	for j, secret := range keys {
		at := fmt.Sprintf("%s.api_keys[%d]", key, j)
		if j >= len(t.APIKeys) {
			at = key + ".api_key_file"
		}
		if len(secret) < minAPIKey {
			l.addProblem(at, fmt.Sprintf("is too short; the least is %d bytes (openssl rand -hex 24)", minAPIKey))
		}
		l.unique(seen, "key "+secret, key, at, "another tenant has this key")
	}
}

// checkKeys asks auth, first about each key and then about the rules, and about what the keys mean to each other.
func (l *Result) checkKeys(t *Tenant, key string) {
	sound := l.checkCredentials(t, key)
	for j := range t.Keys {
		at := fmt.Sprintf("%s.keys[%d]", key, j)
		warnings, err := t.Keys[j].check()
		for _, warning := range warnings {
			l.addWarning(at, "left out: "+warning)
		}
		if err != nil {
			l.addProblem(at, err.Error())
			sound = false
		}
	}
	rules := t.rules()
	if sound {
		rules, _ = t.TokenKeys()
	}
	if err := try(rules); err != nil {
		l.addProblem(key, err.Error())
	}
}
