package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/webhook"
)

// Lifecycle says where a tenant's backend gets the lifecycle events of its connections and users.
type Lifecycle struct {
	Topic   bool           `yaml:"topic" env:"TOPIC" envDefault:"false"`
	Events  []string       `yaml:"events" env:"EVENTS" unit:"events"`
	Webhook webhook.Config `yaml:"webhook" envPrefix:"WEBHOOK_"`
}

// Help is one line of meaning for each key.
func (Lifecycle) Help() map[string]string {
	return map[string]string{
		"topic": "Keep what happens to connections and users in the topic $lifecycle, whose history backends read; " +
			"topic_rules with that pattern say how much, and whether on disk.",
		"events": "What is told, of user_online, user_offline, connected, disconnected, subscribed, unsubscribed; " +
			"empty for all.",
	}
}

// limits are the part for the engine; the webhook is the server's matter.
func (l *Lifecycle) limits() actors.Lifecycle {
	made := actors.Lifecycle{Topic: l.Topic}
	for _, word := range l.Events {
		made.Of = append(made.Of, protocol.LifecycleType(word))
	}
	return made
}

// ReadWebhook is the webhook's configuration with its file read.
func (l *Lifecycle) ReadWebhook() (webhook.Config, error) {
	made := l.Webhook
	if made.SecretFile == "" {
		return made, nil
	}
	var err error
	if made.Secret, err = readSecret(made.SecretFile); err != nil {
		return made, fmt.Errorf("lifecycle.webhook: its secret_file %w", err)
	}
	return made, nil
}

func checkLifecycle(t *Lifecycle, key string, d *Diagnostics) {
	for i, word := range t.Events {
		if !slices.Contains(protocol.LifecycleTypes(), protocol.LifecycleType(word)) {
			d.addProblem(fmt.Sprintf("%s.events[%d]", key, i), "must be one of "+lifecycleTypes())
		}
	}
	key += ".webhook"
	hook := &t.Webhook
	switch {
	case !hook.Enabled() && (hook.Secret != "" || hook.SecretFile != ""):
		d.addProblem(key+".url", "is missing; without it nobody is told")
		return
	case hook.Enabled() && hook.Secret != "" && hook.SecretFile != "":
		d.addProblem(key+".secret", "is set beside secret_file; choose one")
		return
	}
	made, err := t.ReadWebhook()
	if err != nil {
		d.addProblem(key+".secret_file", strings.TrimPrefix(err.Error(), "lifecycle.webhook: its secret_file "))
		return
	}
	for _, problem := range made.Problems() {
		d.addProblem(key+"."+problem.Key, problem.Text)
	}
}

func lifecycleTypes() string {
	var words []string
	for _, what := range protocol.LifecycleTypes() {
		words = append(words, string(what))
	}
	return strings.Join(words, ", ")
}
