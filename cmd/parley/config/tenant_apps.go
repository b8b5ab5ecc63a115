package config

import (
	"errors"
	"fmt"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

// App is what clients show by its key, and what its backend signs for them with its secret. A tenant may have several.
type App struct {
	ID           string   `yaml:"id" unit:"text"`
	Key          string   `yaml:"key" unit:"text"`
	Secret       string   `yaml:"secret" unit:"secret"`
	SecretFile   string   `yaml:"secret_file" unit:"file"`
	Topics       []string `yaml:"topics" unit:"patterns"`
	ClientEvents bool     `yaml:"client_events" unit:"true or false"`
}

// Help is one line of meaning for each key.
func (App) Help() map[string]string {
	return map[string]string{
		"id":          "What backends name it by, in the paths of the HTTP API; most of their libraries want a number.",
		"key":         "What clients show. It is public.",
		"secret":      "What its backends sign with, at least 8 bytes; 20 are better.",
		"secret_file": "A file with that secret; one line break at its end is left out.",
		"topics": "The public channels that a client may subscribe to without a signature; left out for all. A " +
			"private or presence channel always needs one.",
		"client_events": "Let clients send events to private and presence channels that they are subscribed to.",
	}
}

// clientEventTopics are the channels to which clients may send events.
var clientEventTopics = []protocol.Pattern{"private-*", "presence-*"}

func (a *App) read() (auth.App, error) {
	made := auth.App{ID: a.ID, Key: a.Key, Secret: a.Secret, Topics: a.Topics}
	if a.ClientEvents {
		made.Publish = clientEventTopics
	}
	if a.SecretFile == "" {
		return made, nil
	}
	var err error
	if made.Secret, err = readSecret(a.SecretFile); err != nil {
		return made, fmt.Errorf("its secret_file %w", err)
	}
	return made, nil
}

// minAppSecret is the least length of an app's secret, in bytes. Whoever has seen a signature can try short ones.
const minAppSecret = 8

// apps adds the problems of the apps, each with its own line.
func (c *tenantCheck) apps() {
	for i := range c.tenant.Apps {
		a, at := &c.tenant.Apps[i], fmt.Sprintf("%s.apps[%d]", c.key, i)
		made, err := a.read()
		if err == nil && (a.Secret == "") == (a.SecretFile == "") {
			err = errors.New("needs exactly one of secret, secret_file")
		}
		if err == nil && len(made.Secret) < minAppSecret {
			err = fmt.Errorf("has a secret of %d bytes; the least is %d (openssl rand -hex 10)", len(made.Secret),
				minAppSecret)
		}
		if err == nil {
			err = try(auth.TenantKeys{Apps: []auth.App{made}})
		}
		if err != nil {
			c.addProblem(at, err.Error())
		}
		for what, name := range map[string]string{"id": a.ID, "key": a.Key} {
			if other, ok := c.seen["app "+what+" "+name]; ok {
				c.addProblem(at+"."+what, "is that of "+other)
			}
			c.seen["app "+what+" "+name] = at
		}
	}
}
