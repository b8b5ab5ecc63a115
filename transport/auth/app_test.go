package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/protocol"
)

func appVerifier(t *testing.T, apps ...App) *Verifier {
	t.Helper()
	v, err := New(Config{}, map[string]TenantKeys{"acme": {Apps: apps, AllowUnresolved: true}, "other": {}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var oneApp = App{ID: "1", Key: "278d425bdf160c739803", Secret: "7ad3773142a6692b25b8", Topics: []string{"news"},
	Publish: []protocol.Pattern{"private-*"}}

func TestApp_ItsKeyAdmitsNobodyInParticular(t *testing.T) {
	v := appVerifier(t, oneApp)
	shown := protocol.Credential{Form: protocol.AppKey, For: oneApp.Key}
	id, err := v.Authenticate(context.Background(), "acme", shown)
	if err != nil || id.User != "" || !id.May("news") || id.May("sport") || !id.MayPublish("private-a") ||
		id.MayPublish("news") || id.May("private-a") {
		t.Fatalf("got %+v, %v", id, err)
	}
	if id, err := v.Authenticate(context.Background(), UnresolvedTenant, shown); err != nil || id.Tenant != "acme" {
		t.Errorf("got %+v, %v", id, err)
	}
	for _, wrong := range []struct{ tenant, key string }{{"other", oneApp.Key}, {"acme", "x"}, {"acme", ""}} {
		_, err := v.Authenticate(context.Background(), wrong.tenant,
			protocol.Credential{Form: protocol.AppKey, For: wrong.key})
		if !errors.Is(err, protocol.Refuse(protocol.InvalidToken, "")) {
			t.Errorf("%v: got %v", wrong, err)
		}
	}
}

// PSH.20, PSH.40: the vectors of Pusher's documentation.
func TestApp_SignsWhatAClientMayDo(t *testing.T) {
	v := appVerifier(t, oneApp)
	const private = "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"
	check := func(text, token string, says *protocol.Statement) (*protocol.Identity, error) {
		return v.Authenticate(context.Background(), "acme",
			protocol.Credential{Form: protocol.Signed, For: text, Token: token, Says: says})
	}
	channel := &protocol.Statement{Topics: []protocol.Pattern{"private-foobar"}}
	for _, token := range []string{oneApp.Key + ":" + private, oneApp.Key + ":" + private + ":more"} {
		if id, err := check("1234.1234:private-foobar", token, channel); err != nil || !id.May("private-foobar") ||
			id.May("news") || id.Issued.IsZero() {
			t.Errorf("got %+v, %v", id, err)
		}
	}
	for _, token := range []string{"", ":", oneApp.Key, oneApp.Key + ":", "x:" + private, private,
		oneApp.Key + ":" + strings.ToUpper(private), oneApp.Key + ":" + private[:63]} {
		if _, err := check("1234.1234:private-foobar", token, channel); !errors.Is(err,
			protocol.Refuse(protocol.InvalidToken, "")) {
			t.Errorf("%q: got %v", token, err)
		}
	}
	if _, err := check("1234.1235:private-foobar", oneApp.Key+":"+private, channel); err == nil {
		t.Error("the signature holds for another socket")
	}
	_, app := v.tenants.table.Load().app("1")
	signed := func(user string) (*protocol.Identity, error) {
		return check("user", oneApp.Key+":"+app.sign("user"), &protocol.Statement{User: user})
	}
	if id, err := signed("7"); err != nil || id.User != "7" || len(id.Topics) > 0 {
		t.Errorf("got %+v, %v", id, err)
	}
	if _, err := signed("7\n"); err == nil {
		t.Error("a user's name has a line break")
	}
}

func TestApp_ARemovedAppIsAKeyThatIsGone(t *testing.T) {
	v := appVerifier(t, oneApp)
	id, err := v.Authenticate(context.Background(), "acme", protocol.Credential{Form: protocol.AppKey, For: oneApp.Key})
	if err != nil || len(v.Keys("acme")) != 1 || v.Keys("acme")[0] != id.Key {
		t.Fatalf("got %v, %v", v.Keys("acme"), err)
	}
	if tenant, key, ok := v.AppOf("1"); !ok || tenant != "acme" || key != oneApp.Key {
		t.Errorf("got %q, %q, %v", tenant, key, ok)
	}
	if err := v.SetTenant("acme", TenantKeys{}); err != nil || len(v.Keys("acme")) != 0 {
		t.Errorf("got %v, %v", v.Keys("acme"), err)
	}
	if _, _, ok := v.AppOf("1"); ok || v.AppHasSigned("1", "", "") {
		t.Error("the app is still there")
	}
}

func TestApp_SettingsAreChecked(t *testing.T) {
	with := func(change func(*App)) App {
		app := oneApp
		change(&app)
		return app
	}
	for name, apps := range map[string][]App{
		"no id":      {with(func(a *App) { a.ID = "" })},
		"a long key": {with(func(a *App) { a.Key = strings.Repeat("x", 65) })},
		"a slash":    {with(func(a *App) { a.Key = "a/b" })},
		"no secret":  {with(func(a *App) { a.Secret = "" })},
		"a pattern":  {with(func(a *App) { a.Topics = []string{"a**"} })},
		"one key":    {oneApp, with(func(a *App) { a.ID = "2" })},
		"one id":     {oneApp, with(func(a *App) { a.Key = "another" })},
		"too many":   make([]App, MaxApps+1),
	} {
		_, err := New(Config{}, map[string]TenantKeys{"acme": {Apps: apps}})
		if err == nil || strings.Contains(err.Error(), oneApp.Secret) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", oneApp, oneApp, oneApp); strings.Contains(text, oneApp.Secret) {
		t.Errorf("the secret is in %s", text)
	}
}

// PSH.60: the vector of the HTTP API.
func TestApp_SignsWhatItsBackendAsks(t *testing.T) {
	v := appVerifier(t, oneApp)
	const text = "POST\n/apps/3/events\nauth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0&" +
		"body_md5=ec365a775a4cd0599faeb73354201b6f"
	const signature = "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"
	if !v.AppHasSigned("1", text, signature) || v.AppHasSigned("1", text+" ", signature) ||
		v.AppHasSigned("2", text, signature) {
		t.Error("the signature of the documentation does not hold, or another does")
	}
}
