package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/parley-realtime/parley/protocol"
)

// errPassOver says that a JWK is not for us, which RFC 7517 section 5 wants to be no error.
var errPassOver = errors.New("not for checking signatures")

// jwk is one member of a key set.
type jwk []protocol.Member

// readJWKS makes the keys of a JWKS document. One that is broken or weak is an error, so that an operator hears of it
// before a user does.
func readJWKS(document []byte) ([]*key, error) {
	members, err := protocol.ReadObject(document)
	if err != nil {
		return nil, errors.New("is no JWKS document: not one JSON object without duplicate names")
	}
	elements, ok := protocol.ReadArray(protocol.Find(members, "keys"))
	if !ok {
		return nil, errors.New(`is no JWKS document: it has no list "keys"`)
	}
	var keys []*key
	for i, element := range elements {
		one, err := protocol.ReadObject(element)
		if err != nil {
			return nil, fmt.Errorf("has a JWKS whose keys[%d] is no JSON object", i)
		}
		made, err := jwk(one).build()
		switch {
		case errors.Is(err, errPassOver):
		case err != nil:
			return nil, fmt.Errorf("has a JWKS whose keys[%d] (kid %s) %w", i, protocol.Quote(jwk(one).text("kid")), err)
		default:
			keys = append(keys, made)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("has a JWKS without a key that can check signatures; known are %s", knownAlgorithms)
	}
	return keys, nil
}

func (j jwk) build() (*key, error) {
	algorithm := j.text("alg")
	if !j.forSignatures() || algorithm != "" && algorithms[algorithm] == nil {
		return nil, errPassOver
	}
	if kid := protocol.Find(j, "kid"); kid != nil {
		if text, ok := protocol.Text(kid); !ok || text == "" {
			return nil, errors.New("has a kid that is no text; correct it or leave it out")
		}
	}
	switch j.text("kty") {
	case "RSA":
		return j.rsa(algorithm)
	case "EC":
		return j.ec(algorithm)
	case "OKP":
		return j.okp(algorithm)
	case "oct":
		secret, err := j.bytes("k")
		if err != nil {
			return nil, err
		}
		return secretKey(j.text("kid"), algorithm, secret)
	}
	return nil, errPassOver
}

// forSignatures goes by use and key_ops, which may both be left out.
func (j jwk) forSignatures() bool {
	if use := protocol.Find(j, "use"); use != nil && j.text("use") != "sig" {
		return false
	}
	ops := protocol.Find(j, "key_ops")
	return ops == nil || slices.ContainsFunc(elementsOf(ops), func(op []byte) bool { return string(op) == `"verify"` })
}

func (j jwk) rsa(algorithm string) (*key, error) {
	n, err := j.bytes("n")
	if err != nil {
		return nil, err
	}
	e, err := j.bytes("e")
	if err != nil {
		return nil, err
	}
	exponent := new(big.Int).SetBytes(e)
	if exponent.BitLen() > 31 {
		return nil, errors.New("has an exponent e of more than 31 bits; use 65537 (AQAB)")
	}
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}
	return newKey(j.text("kid"), algorithm, public, nil)
}

func (j jwk) ec(algorithm string) (*key, error) {
	curves := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384()}
	curve := curves[j.text("crv")]
	if curve == nil {
		return nil, errPassOver
	}
	x, err := j.bytes("x")
	if err != nil {
		return nil, err
	}
	y, err := j.bytes("y")
	if err != nil {
		return nil, err
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, errors.New("is no point of its curve; export it anew")
	}
	return newKey(j.text("kid"), algorithm, public, nil)
}

func (j jwk) okp(algorithm string) (*key, error) {
	if j.text("crv") != "Ed25519" {
		return nil, errPassOver
	}
	x, err := j.bytes("x")
	if err != nil {
		return nil, err
	}
	if len(x) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("has an x of %d bytes; an Ed25519 key has %d", len(x), ed25519.PublicKeySize)
	}
	return newKey(j.text("kid"), algorithm, ed25519.PublicKey(x), nil)
}

func (j jwk) text(name string) string {
	text, _ := protocol.Text(protocol.Find(j, name))
	return text
}

func (j jwk) bytes(name string) ([]byte, error) {
	text := strings.TrimRight(j.text(name), "=")
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(data) == 0 {
		return nil, fmt.Errorf("has no %s in base64url", name)
	}
	return data, nil
}

// elementsOf is the list in raw, nil if it is none.
func elementsOf(raw []byte) [][]byte {
	elements, _ := protocol.ReadArray(raw)
	return elements
}
