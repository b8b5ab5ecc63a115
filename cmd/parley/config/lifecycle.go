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

func (l *Result) checkLifecycle(t *Lifecycle, key string) {
	for i, word := range t.Events {
		if !slices.Contains(protocol.LifecycleTypes(), protocol.LifecycleType(word)) {
			l.addProblem(fmt.Sprintf("%s.events[%d]", key, i), "must be one of "+lifecycleTypes())
		}
	}
	key += ".webhook"
	hook := &t.Webhook
	switch {
	case !hook.Enabled() && (hook.Secret != "" || hook.SecretFile != ""):
		l.addProblem(key+".url", "is missing; without it nobody is told")
		return
	case hook.Enabled() && hook.Secret != "" && hook.SecretFile != "":
		l.addProblem(key+".secret", "is set beside secret_file; choose one")
		return
	}
	made, err := t.ReadWebhook()
	if err != nil {
		l.addProblem(key+".secret_file", strings.TrimPrefix(err.Error(), "lifecycle.webhook: its secret_file "))
		return
	}
	for _, problem := range made.Problems() {
		l.addProblem(key+"."+problem.Key, problem.Text)
	}
}

func lifecycleTypes() string {
	var words []string
	for _, what := range protocol.LifecycleTypes() {
		words = append(words, string(what))
	}
	return strings.Join(words, ", ")
}
