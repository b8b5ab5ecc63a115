package target

import (
	"os"
	"slices"
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
secure: {env: ['C=${certificate}', 'K=${key}']}
deflate: true
cases:
  users: {client: {path: /users}, args: ["--fast=${port}"], env: [A=b]}
  idle: {out: it has no idle}
  logins: {command: [x, "${login_key}"], publish: {topic: {path: /other, body: 'x'}}}
variants: {slow: {about: slow, args: [-slow], env: [C=d], cases: [full]}}
`

func TestDecode_ReadsAWholeTarget(t *testing.T) {
	t.Setenv("PEER_X", "/bin/x")
	p, err := Decode([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	w := Values{N: 7, Topic: 3, Port: 81, Stamp: 5, Sequence: 6, Pad: "ab", Exp: 9000000000, Certificate: "c.pem",
		Key: "k.pem"}
	w.Payload = p.Payload.Append(nil, &w)
	for got, want := range map[string]string{
		p.Command[0].Fill(&w):                               "/bin/x",
		p.Command[1].Fill(&w):                               "--port=81",
		p.Client.Say[0].Fill(&w):                            `{"subscribe":"topic-3"}`,
		p.Publish.Topic.Body.Fill(&w):                       `{"topic":"topic-3","data":{"t":5,"s":6,"pad":"ab"}}`,
		p.Ready.Address("serving on 127.0.0.1:5"):           "127.0.0.1:5",
		p.Ready.Address("starting"):                         "",
		p.In("users").Client.Path.Fill(&w):                  "/users",
		p.In("users").Command[2].Fill(&w):                   "--fast=81",
		p.In("users").Env[0].Fill(&w):                       "A=b",
		p.In("idle").Client.Path.Fill(&w):                   "/ws?token=",
		p.Publish.Topic.Method:                              "POST",
		p.In("logins").Publish.Topic.Path.Fill(&w):          "/other",
		p.In("users").Publish.Topic.Path.Fill(&w):           "/publish",
		p.In("logins").Command[1].Fill(&w):                  LoginKey(),
		p.Secure.Env[0].Fill(&w) + p.Secure.Env[1].Fill(&w): "C=c.pemK=k.pem",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if !p.Deflate || p.Publish.User != nil || p.Cases["idle"].Out == "" || len(p.In("idle").Command) != 2 ||
		len(p.Command) != 2 {
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
		{", cases: [full]", "", "the variant slow has no cases"},
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

func TestFolder_VariantsAreTargetsOfTheirOwn(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/x.yaml", []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := Folder(dir)
	if err != nil || len(all) != 2 || all[0].Name != "x" || len(all[0].Only) != 0 {
		t.Fatalf("got %+v, %v", all, err)
	}
	v, w := all[1], Values{Port: 81}
	if v.Name != "slow" || v.About != "slow" || !slices.Equal(v.Only, []string{"full"}) || len(v.Cases) != 0 ||
		v.Command[1].Fill(&w) != "--port=81" || v.Command[2].Fill(&w) != "-slow" || v.Env[0].Fill(&w) != "C=d" ||
		v.Publish.Topic != all[0].Publish.Topic {
		t.Errorf("got %+v", v)
	}
	if !v.TakesPart("full") || v.TakesPart("idle") || !all[0].TakesPart("idle") {
		t.Errorf("it takes part in %v", v.Only)
	}
	if len(all[0].Command) != 2 || len(all[0].Env) != 0 {
		t.Errorf("the target itself became %+v", all[0])
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
