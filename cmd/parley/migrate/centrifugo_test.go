package migrate

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/protocols"
)

const theirs = `{
  "http_server": {"port": 9000},
  "client": {"token": {"hmac_secret_key": "a-secret-of-32-bytes-or-more-of-theirs"}, "allowed_origins": ["*"]},
  "http_api": {"key": "an-api-key-of-theirs"},
  "channel": {
    "without_namespace": {"presence": true, "allow_subscribe_for_client": true, "history_size": 10,
      "history_ttl": "300s"},
    "namespaces": [
      {"name": "chat", "presence": true, "allow_subscribe_for_client": true, "allow_publish_for_subscriber": true,
       "force_recovery": true},
      {"name": "quiet", "allow_publish_for_client": true}
    ]
  }
}`

const ours = `listen: ":9000"
centrifuge:
  insecure: false
  namespaces:
    "chat": {presence: true}
    "quiet": {presence: false}
tenants:
  - name: "main"
    api_keys: ["an-api-key-of-theirs"]
    keys: [{alg: HS256, secret: "a-secret-of-32-bytes-or-more-of-theirs"}]
    topics: ["chat:*"]
    anonymous_topics: []
topic_rules:
  - {pattern: "chat:*", publish: subscribers}
  - {pattern: "quiet:*", publish: clients}
  - {pattern: "*", publish: token, history_count: 10, history_age: 300s}
`

// No right is given that there was not, and what has no counterpart is named.
func TestCentrifugo_BecomesAConfiguration(t *testing.T) {
	file, left, err := Centrifugo([]byte(theirs), "main")
	if err != nil || string(file) != ours {
		t.Errorf("made\n%s%v", file, err)
	}
	if want := []string{"channel.namespaces.chat.force_recovery", "client.allowed_origins"}; !slices.Equal(left, want) {
		t.Errorf("left %q", left)
	}
	path := filepath.Join(t.TempDir(), "parley.yaml")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if l := config.Load(config.Sources{Protocols: protocols.All, File: path}); len(l.Problems) > 0 {
		t.Errorf("it has problems: %v", l.Problems)
	}
}

func TestCentrifugo_InsecureIsOpenToAll(t *testing.T) {
	file, left, err := Centrifugo([]byte("client: {insecure: true}\nchannel: {namespaces: [{name: a}]}\n"), "x")
	for _, want := range []string{"insecure: true", `topics: ["*"]`, `anonymous_topics: ["*"]`, `listen: ":8000"`} {
		if !strings.Contains(string(file), want) {
			t.Errorf("%s is not in\n%s", want, file)
		}
	}
	if len(left) > 0 || err != nil {
		t.Errorf("left %q %v", left, err)
	}
	if _, _, err := Centrifugo([]byte("{"), "x"); err == nil {
		t.Error("garbage was read")
	}
}
