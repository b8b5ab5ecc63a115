package target

import (
	"os"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

const whole = `
name: x
about: an example
needs: PEER_X
prepare: [["make", "x"]]
command: ["${PEER_X}", "--port=${port}"]
ready: {line: "serving on (\\S+)"}
client:
  path: /ws?token=${token}
  say: ['{"subscribe":"${topic}"}']
  ready: subscribed
  answer: [{when: '{}', say: '{}'}]
token: {secret: s, claims: '{"sub":"${user}","exp":${exp}}'}
login: {client: {path: /login}, claims: '{"sub":"${user}"}'}
publish:
  topic: {path: /publish, header: ["X-API-Key: k"], body: '{"topic":"${topic}","data":${payload}}'}
  batch: {path: /batch, open: '[', item: '{"n":${sequence}}', between: ',', close: ']', good: '"ok"'}
payload: '{"t":${stamp},"s":${sequence},"pad":"${pad}"}'
stamp: '"t":'
sequence: '"s":'
cases:
  users: {client: {path: /users}}
  idle: {out: it has no idle}
  logins: {command: [x, "${login_key}"], publish: {topic: {path: /other, body: 'x'}}}
`

func TestDecode_ReadsAWholeTarget(t *testing.T) {
	t.Setenv("PEER_X", "/bin/x")
	p, err := Decode([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	w := Values{N: 7, Topic: 3, Port: 81, Stamp: 5, Sequence: 6, Pad: "ab", Exp: 9000000000}
	w.Payload = p.Payload.Append(nil, &w)
	for got, want := range map[string]string{
		p.Command[0].Fill(&w):                      "/bin/x",
		p.Command[1].Fill(&w):                      "--port=81",
		p.Client.Say[0].Fill(&w):                   `{"subscribe":"topic-3"}`,
		p.Publish.Topic.Body.Fill(&w):              `{"topic":"topic-3","data":{"t":5,"s":6,"pad":"ab"}}`,
		p.Ready.Address("serving on 127.0.0.1:5"):  "127.0.0.1:5",
		p.Ready.Address("starting"):                "",
		p.ClientFor("users").Path.Fill(&w):         "/users",
		p.ClientFor("idle").Path.Fill(&w):          "/ws?token=",
		p.Publish.Topic.Method:                     "POST",
		p.PublishFor("logins").Topic.Path.Fill(&w): "/other",
		p.PublishFor("users").Topic.Path.Fill(&w):  "/publish",
		p.Cases["logins"].Command[1].Fill(&w):      LoginKey(),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if p.Publish.User != nil || p.Cases["idle"].Out == "" {
		t.Errorf("got %+v", p)
	}
	signed, err := p.Token.Sign(&w)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Parse(signed, func(*jwt.Token) (any, error) { return []byte("s"), nil })
	if err != nil {
		t.Fatal(err)
	}
	if user, _ := token.Claims.GetSubject(); user != "user-7" {
		t.Errorf("the token is of %q", user)
	}
	if signed, err = p.Login.Sign(&w); err != nil {
		t.Fatal(err)
	}
	public, err := jwt.ParseRSAPublicKeyFromPEM([]byte(LoginKey()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jwt.Parse(signed, func(*jwt.Token) (any, error) { return public, nil },
		jwt.WithValidMethods([]string{"RS256"})); err != nil {
		t.Error(err)
	}
}

func TestDecode_RefusalNamesWhatIsWrong(t *testing.T) {
	if _, err := Decode([]byte(whole)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, says string }{
		{"about:", "abuot:", "abuot"},
		{"name: x", "name: ''", "name is missing"},
		{"stamp: '\"t\":'", "", "stamp is missing"},
		{"sequence: '\"s\":'", "", "sequence is missing"},
		{"path: /ws?token=${token}", "", "client.path is missing"},
		{"${topic}\"}'", "${tpoic}\"}'", "${tpoic}"},
		{"--port=${port}", "--port=${port", "closing bracket"},
		{`{line: "serving on (\\S+)"}`, "{tcp: true, http: /health}", "2 of line, http and tcp"},
		{`{line: "serving on (\\S+)"}`, "{}", "0 of line, http and tcp"},
		{`{line: "serving on (\\S+)"}`, "{line: serving}", "no group"},
		{`{line: "serving on (\\S+)"}`, "{line: '('}", "ready.line"},
		{"path: /publish,", "", "publish.topic: path is missing"},
		{"path: /publish,", "path: /publish, tcp: true,", "are for HTTP"},
		{"path: /batch,", "path: /batch, hello: x,", "are for tcp"},
		{"item: '{\"n\":${sequence}}'", "body: x", "it needs item"},
		{"body: '{", "item: '{", "it needs body"},
		{"secret: s, ", "", "token needs"},
		{"path: /login", "", "login needs"},
		{"path: /other, ", "", "cases.logins: publish.topic: path is missing"},
		{"about:", "pad: 5000\nabout:", "pad is 5000"},
	} {
		text := strings.Replace(whole, c.old, c.new, 1)
		if text == whole {
			t.Fatalf("%q is not in the example", c.old)
		}
		if _, err := Decode([]byte(text)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %q", c.new, err, c.says)
		}
	}
}

func TestFolder_HoldsTargetsWithParleyFirst(t *testing.T) {
	peers, err := Folder("../peers")
	if err != nil {
		t.Fatal(err)
	}
	if peers[0].Name != "parley" {
		t.Errorf("the first is %s", peers[0].Name)
	}
	if _, err := Folder(t.TempDir()); err == nil {
		t.Error("an empty folder is no error")
	}
}

func TestLoad_AFileIsCalledAsItsTarget(t *testing.T) {
	file := t.TempDir() + "/y.yaml"
	if err := os.WriteFile(file, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "y.yaml: the target is called x") {
		t.Errorf("got %v", err)
	}
}
