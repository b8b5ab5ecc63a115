package config

import (
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-realtime/parley/transport/websocket"
)

// check adds a problem for each setting that can be read but makes no sense.
func check(c *Config, dev bool, d *Diagnostics) {
	checkAddresses(c, dev, d)
	d.requireOneOf("log.format", c.Log.Format, "json", "text")
	d.requireOneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	if c.Drain < 0 || c.Drain > time.Hour {
		d.addProblem("drain", "must be between 0s and 1h")
	}
	checkTLS(c, d)
	checkNumbers(c, d)
	checkTimeouts(c, d)
	checkProtocols(c, dev, d)
	d.addError("memory", c.Memory.Check())
	d.addError("websocket", checkWebSocket(c.WebSocket))
	if c.Shared.Timeout < time.Second || c.Shared.Timeout > time.Hour {
		d.addProblem("shared.first_frame_timeout", "must be between 1s and 1h")
	}
	d.addError("events", c.Events.Check())
	checkOperatorKeys(c, d)
	checkListeners(c, dev, d)
	checkTopics(c, d)
	if dev {
		if d.locator.inFile("tenants") {
			d.addProblem("tenants", "dev mode has one tenant of its own; leave tenants out, or start without --dev")
		}
		return
	}
	checkTenants(c, d)
}

func checkOperatorKeys(c *Config, d *Diagnostics) {
	for name, key := range map[string]string{"api.admin_key": c.API.AdminKey, "api.viewer_key": c.API.ViewerKey} {
		if key != "" && len(key) < minAPIKey {
			d.addProblem(name, fmt.Sprintf("is too short; the least is %d bytes (openssl rand -hex 24)", minAPIKey))
		}
	}
	if c.API.ViewerKey != "" && c.API.ViewerKey == c.API.AdminKey {
		d.addProblem("api.viewer_key", "is the same as api.admin_key, so that viewers could change everything")
	}
}

// checkWebSocket asks the package websocket, which checks a configuration by making a server of it.
func checkWebSocket(cfg websocket.Config) error {
	made, err := websocket.New(cfg, nil, nil, nil)
	if err == nil {
		made.Close()
	}
	return err
}

// zeroIsDefault are the sections whose packages take 0 for "the default": there an explicit 0 would not be obeyed.
var zeroIsDefault = []string{"engine.", "websocket.", "api.", "auth."}

// checkNumbers refuses negative numbers, and an explicit 0 that would not be obeyed.
func checkNumbers(c *Config, d *Diagnostics) {
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
			d.addProblem(s.Key, "must not be negative")
		case value.Int() == 0 && !none && !obeyed:
			d.addProblem(s.Key, "must be greater than 0; leave it out for the default, "+s.Default)
		}
	}
}

func checkAddresses(c *Config, dev bool, d *Diagnostics) {
	public := checkAddress("listen", c.Listen, d)
	if dev && public != "" && !Loopback(c.Listen) {
		d.addProblem("listen", "dev mode serves loopback alone (127.0.0.1, ::1 or localhost); its keys are public "+
			"knowledge")
	}
	if c.InternalListen == "" {
		if !dev {
			d.addProblem("internal_listen", "must be an address; only dev mode serves it on listen")
		}
		return
	}
	internal := checkAddress("internal_listen", c.InternalListen, d)
	switch {
	case internal == "":
	case c.InternalListen == c.Listen && !strings.HasSuffix(c.Listen, ":0"):
		d.addProblem("internal_listen", "is the same address as listen")
	case !Loopback(c.InternalListen) && !c.InternalPublic:
		d.addProblem("internal_listen", "is not loopback: everybody could read metrics; use 127.0.0.1, or set "+
			"internal_public: true")
	}
}

// checkAddress returns the host of a host:port, "*" for all hosts; it adds a problem for anything else, and returns "".
func checkAddress(key, address string, d *Diagnostics) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		d.addProblem(key, "must be host:port, such as 127.0.0.1:8000")
		return ""
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		d.addProblem(key, "the port must be a number from 0 (any free one) to 65535")
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

func checkTLS(c *Config, d *Diagnostics) {
	t := &c.TLS
	switch {
	case (t.Certificate == "") != (t.Key == ""):
		d.addProblem("tls", "certificate and key belong together; one is missing")
	case t.Certificate != "" && len(t.ACME.Domains) > 0:
		d.addProblem("tls.acme.domains", "is set beside tls.certificate; choose one")
	case t.Certificate != "":
		pair, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
		if err != nil {
			d.addProblem("tls.certificate", "cannot be used with tls.key: "+cause(err))
			return
		}
		checkCertificate(c, &pair, d)
	case len(t.ACME.Domains) > 0 && t.ACME.Cache == "" && c.Data == "":
		d.addProblem("tls.acme.cache", "is missing; without it (or data) each start would ask for new certificates "+
			"until the authority refuses")
	}
}
