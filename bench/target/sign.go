package target

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"sync"

	"github.com/golang-jwt/jwt/v5"
)

// Sign makes a client's token. Claims that are no JSON object are an error.
func (t *Token) Sign(w *Values) (string, error) {
	return sign(jwt.SigningMethodHS256, []byte(t.Secret), &t.Claims, w)
}

// Sign makes the token of a client that logs in, which takes about a millisecond.
func (l *Login) Sign(w *Values) (string, error) {
	return sign(jwt.SigningMethodRS256, loginKey(), &l.Claims, w)
}

func sign(method jwt.SigningMethod, key any, template *Template, w *Values) (string, error) {
	var claims jwt.MapClaims
	if err := json.Unmarshal(template.Append(nil, w), &claims); err != nil {
		return "", fmt.Errorf("claims: %w", err)
	}
	return jwt.NewWithClaims(method, claims).SignedString(key)
}

// loginKey is made once for each process, so that no private key lies on a disk.
var loginKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // the system has no random numbers
	}
	return key
})

// LoginKey is the public key of the tokens of Login as a PEM text: RSA with 2,048 bits.
func LoginKey() string {
	der, _ := x509.MarshalPKIXPublicKey(loginKey().Public()) // it knows RSA keys
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}
