package config

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

const lifecycleYAML = tenantYAML + `    lifecycle:
      topic: true
      events: [user_online, user_offline]
      webhook: {url: https://backend.example/hook, secret: 0123456789abcdef, batch: 7, timeout: 3s}
`

func TestLifecycle_IsReadAndTold(t *testing.T) {
	c := mustLoad(t, lifecycleYAML)
	told := c.Limits()[0].Lifecycle
	if !told.Topic || len(told.Of) != 2 || told.Of[0] != protocol.UserOnline || told.Sink != nil {
		t.Errorf("the engine is told %+v", told)
	}
	hook, err := c.Tenants[0].Lifecycle.ReadWebhook()
	if err != nil || hook.URL != "https://backend.example/hook" || hook.Secret != "0123456789abcdef" ||
		hook.Batch != 7 || hook.Timeout != 3*time.Second || hook.QueueEvents != 10_000 {
		t.Errorf("batch %d, timeout %s, queue %d, %v", hook.Batch, hook.Timeout, hook.QueueEvents, err)
	}
	if off := mustLoad(t, tenantYAML).Tenants[0].Lifecycle; off.Topic || off.Webhook.Enabled() {
		t.Error("it is on by itself")
	}
	file := write(t, "secret", "0123456789abcdef-of-a-file\n")
	c = mustLoad(t, strings.Replace(lifecycleYAML, ", secret: 0123456789abcdef,", ", secret_file: "+file+",", 1))
	if hook, err := c.Tenants[0].Lifecycle.ReadWebhook(); err != nil || hook.Secret != "0123456789abcdef-of-a-file" {
		t.Errorf("a secret of %d bytes, %v", len(hook.Secret), err)
	}
}

// reliability.md check 56 for lifecycle events.
func TestLoad_EveryProblemOfLifecycleHasItsLine(t *testing.T) {
	const good = "tenants:\n  - name: a\n    lifecycle:\n"
	const hook = good + "      webhook:\n        url: https://x.example/\n"
	for _, c := range []struct{ text, want string }{
		{good + "      events: [connected, gone]\n",
			"parley.yaml:4: tenants[0].lifecycle.events[1]: must be one of user_online"},
		{good + "      webhook:\n        secret: 0123456789abcdef\n",
			"parley.yaml:4: tenants[0].lifecycle.webhook.url: is missing"},
		{hook + "        secret: hunter2\n", "parley.yaml:6: tenants[0].lifecycle.webhook.secret: has 7 bytes"},
		{hook + "        secret: 0123456789abcdef\n        secret_file: x\n",
			"parley.yaml:6: tenants[0].lifecycle.webhook.secret: is set beside"},
		{hook + "        secret_file: none\n", "parley.yaml:6: tenants[0].lifecycle.webhook.secret_file: no such file"},
		{strings.Replace(hook, "https", "gopher", 1) + "        secret: 0123456789abcdef\n",
			"parley.yaml:5: tenants[0].lifecycle.webhook.url: must be an address"},
		{hook + "        secret: 0123456789abcdef\n        batch: 5000\n",
			"parley.yaml:7: tenants[0].lifecycle.webhook.batch: is 5000"},
		{hook + "        secret: 0123456789abcdef\n        timeout: 0s\n",
			"parley.yaml:7: tenants[0].lifecycle.webhook.timeout: is 0s"},
		{hook + "        secret: 0123456789abcdef\n        evnts: 1\n",
			"parley.yaml:7: tenants[0].lifecycle.webhook.evnts: unknown key"},
	} {
		var lines []string
		for _, p := range load(t, c.text).Problems {
			lines = append(lines, p.String())
		}
		if all := strings.Join(lines, "\n"); !strings.Contains(all, c.want) || strings.Contains(all, "hunter2") {
			t.Errorf("%s\nwant %q, got\n%s", c.text, c.want, all)
		}
	}
}
