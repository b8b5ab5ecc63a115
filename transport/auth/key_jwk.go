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
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// errSkip says that a JWK is not for checking signatures; RFC 7517 section 5 wants such a key to be ignored.
var errSkip = errors.New("not for checking signatures")

// jwk is one member of a key set.
type jwk []rawjson.Member

// readJWKS makes the keys of a JWKS document. The document may come from somebody else, so a key that cannot be used
// costs only that key; a document without any usable key is an error. public says that anybody can read the document.
func readJWKS(document []byte, public bool) (keySet, error) {
	var made keySet
	members, err := rawjson.ReadObject(document)
	if err != nil {
		return made, errors.New("is no JWKS document: not one JSON object without duplicate names")
	}
	elements, ok := rawjson.ReadArray(rawjson.Find(members, "keys"))
	if !ok {
		return made, errors.New(`is no JWKS document: it has no list "keys"`)
	}
	kids := map[string]bool{}
	for i, element := range elements {
		k, err := readJWK(element, public)
		if err == nil && k.id != "" && kids[k.id] {
			err = errors.New("has the kid of a key before it")
		}
		switch {
		case errors.Is(err, errSkip):
		case err != nil:
			made.warnings = append(made.warnings, fmt.Sprintf("keys[%d] (kid %s) %s", i, kidOf(element), err))
		default:
			kids[k.id] = true
			made.keys = append(made.keys, k)
		}
	}
	if len(made.keys) == 0 {
		return made, fmt.Errorf("has a JWKS without a key that can check signatures%s; known are %s",
			because(made.warnings), knownAlgorithms)
	}
	return made, nil
}

// because lists the first three warnings.
func because(warnings []string) string {
	if len(warnings) == 0 {
		return ""
	}
	return ": " + strings.Join(warnings[:min(3, len(warnings))], "; ")
}

// kidOf returns the kid for a message, also of an element that is no key.
func kidOf(element []byte) string {
	members, _ := rawjson.ReadObject(element)
	return protocol.Quote(jwk(members).text("kid"))
}

func readJWK(element []byte, public bool) (*key, error) {
	members, err := rawjson.ReadObject(element)
	if err != nil {
		return nil, errors.New("is no JSON object")
	}
	j := jwk(members)
	if !j.forSignatures() {
		return nil, errSkip
	}
	if public && (rawjson.Find(j, "d") != nil || rawjson.Find(j, "k") != nil) {
		return nil,
			errors.New("is a private key or a secret that is published, so that anybody could sign with it; replace it")
	}
	return j.build()
}

func (j jwk) build() (*key, error) {
	algorithm := j.text("alg")
	if algorithm != "" && algorithms[algorithm] == nil {
		return nil, fmt.Errorf("has the algorithm %s, which is not known", protocol.Quote(algorithm))
	}
	if kid := rawjson.Find(j, "kid"); kid != nil {
		if text, ok := rawjson.Text(kid); !ok || text == "" {
			return nil, errors.New("has a kid that is no text; correct it or leave it out")
		}
	}
	switch kind := j.text("kty"); kind {
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
	default:
		return nil, fmt.Errorf("is of the kind %s, which is not known; known are RSA, EC, OKP, oct",
			protocol.Quote(kind))
	}
}

// forSignatures goes by use and key_ops; a key may have neither.
func (j jwk) forSignatures() bool {
	if use := rawjson.Find(j, "use"); use != nil && j.text("use") != "sig" {
		return false
	}
	ops := rawjson.Find(j, "key_ops")
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
		return nil, j.unknownCurve("P-256, P-384")
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
		return nil, j.unknownCurve("Ed25519")
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

func (j jwk) unknownCurve(known string) error {
	return fmt.Errorf("is on the curve %s, which is not known; known are %s", protocol.Quote(j.text("crv")), known)
}

func (j jwk) text(name string) string {
	text, _ := rawjson.Text(rawjson.Find(j, name))
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

// elementsOf returns the elements of a JSON list, nil if raw is none.
func elementsOf(raw []byte) [][]byte {
	elements, _ := rawjson.ReadArray(raw)
	return elements
}
