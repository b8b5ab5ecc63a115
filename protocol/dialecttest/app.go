package dialecttest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// The one app of all stages. Its clients may send events to channels whose names begin with private- or presence-.
const (
	AppKey    = "app-key"
	AppSecret = "app-secret"
)

// AppTopics are those to which the app's clients may publish.
var AppTopics = []protocol.Pattern{"private-*", "presence-*"}

// signature is what the app signs a text with.
func signature(text string) string {
	mac := hmac.New(sha256.New, []byte(AppSecret))
	mac.Write([]byte(text))
	return AppKey + ":" + hex.EncodeToString(mac.Sum(nil))
}

// identifyApp says who shows a credential of an app.
func identifyApp(credential protocol.Credential, now time.Time) (*protocol.Identity, *protocol.Refusal) {
	id := &protocol.Identity{Issued: now, Key: protocol.KeyFingerprint{1}}
	switch {
	case credential.Form == protocol.AppKey && credential.For == AppKey:
		id.Topics = []protocol.Pattern{"*"}
		for _, p := range AppTopics {
			id.Topics = append(id.Topics, protocol.PublishTo(p))
		}
		return id, nil
	case credential.Form == protocol.Signed && credential.Token == signature(credential.For):
		if says := credential.Says; says != nil {
			id.User, id.Topics = says.User, says.Topics
		}
		return id, nil
	}
	return nil, protocol.Refuse(protocol.InvalidToken, "")
}

var (
	signed = regexp.MustCompile(`\$\{sign:([^}]*)\}`)
	caught = regexp.MustCompile(`\$[a-z]+`)
)

// sign fills in the signatures of what a client sends.
func (p *play) sign(text string) (filled string, err error) {
	filled = signed.ReplaceAllStringFunc(text, func(whole string) string {
		plain := caught.ReplaceAllStringFunc(signed.FindStringSubmatch(whole)[1], func(name string) string {
			value, ok := p.caught[p.name][name[1:]]
			if !ok {
				err = fmt.Errorf("nothing was caught as %s", name)
			}
			return value
		})
		unescaped, bad := url.PathUnescape(plain)
		if bad != nil {
			err = bad
		}
		return signature(unescaped)
	})
	return filled, err
}
