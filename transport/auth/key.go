package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth/jwks"
)

// algorithms are the supported ones; "none" is not among them.
var algorithms = map[string]jwt.SigningMethod{
	"HS256": jwt.SigningMethodHS256, "HS384": jwt.SigningMethodHS384, "HS512": jwt.SigningMethodHS512,
	"RS256": jwt.SigningMethodRS256, "RS384": jwt.SigningMethodRS384, "RS512": jwt.SigningMethodRS512,
	"ES256": jwt.SigningMethodES256, "ES384": jwt.SigningMethodES384,
	"EdDSA": jwt.SigningMethodEdDSA,
}

const knownAlgorithms = "HS256, HS384, HS512, RS256, RS384, RS512, ES256, ES384, EdDSA"

// Bounds of keys.
const (
	minSecret  = 32      // bytes
	minRSA     = 2048    // bits
	maxRSA     = 8192    // bits; with more, one check would take too long
	maxKeyFile = 1 << 20 // bytes
)

// key is a key and its one algorithm. It is never changed.
type key struct {
	id     string
	method jwt.SigningMethod
	check  any // the argument of method.Verify
	sign   any // the argument of method.Sign, nil if the key cannot sign

	issuer, audience string // that its tokens must have, "" for any
	session          bool   // it signs session cookies and nothing else

	// number is its place among the keys of the settings, -1 for none; ownIssuer and ownAudience say that the settings
	// of the key have them, and not those of the tenant.
	number                 int
	ownIssuer, ownAudience bool

	fingerprint protocol.KeyFingerprint // see protocol.Identity
}

// keySet holds keys that come from one setting, and warnings about those that were left out.
type keySet struct {
	keys     []*key
	warnings []string
}

// build makes the keys that k stands for. document is the last one from its URL, nil for none yet.
func (k *Key) build(document []byte) (keySet, error) {
	given := 0
	for _, there := range []bool{k.Secret != "", len(k.PEM) > 0, len(k.JWKS) > 0, k.URL != ""} {
		if there {
			given++
		}
	}
	switch {
	case given != 1:
		return keySet{}, errors.New("needs exactly one of a secret, a PEM key, a JWKS document and the URL of one")
	case len(k.PEM) > maxKeyFile || len(k.JWKS) > maxKeyFile:
		return keySet{}, fmt.Errorf("is larger than %d bytes, which is no key file", maxKeyFile)
	case k.isSet() && (k.ID != "" || k.Algorithm != ""):
		return keySet{}, errors.New("is a JWKS document, which brings its own kid and alg; leave them out")
	case k.URL != "" && document == nil:
		return keySet{}, nil
	case k.URL != "":
		return readJWKS(document, true)
	case len(k.JWKS) > 0:
		return readJWKS(k.JWKS, false)
	}
	var one *key
	var err error
	if k.Secret != "" {
		one, err = secretKey(k.ID, k.Algorithm, []byte(k.Secret))
	} else {
		one, err = pemKey(k.ID, k.Algorithm, k.PEM)
	}
	if err != nil {
		return keySet{}, err
	}
	return keySet{keys: []*key{one}}, nil
}

// isSet reports whether k stands for several keys, which may come from somebody else.
func (k *Key) isSet() bool { return len(k.JWKS) > 0 || k.URL != "" }

// Check says what is wrong with a key by itself, and which of its keys would be left out. It fetches nothing.
func (k *Key) Check() (warnings []string, err error) {
	if k.URL != "" {
		if err := jwks.CheckURL(k.URL); err != nil {
			return nil, fmt.Errorf("jwks_url: %w", err)
		}
	}
	made, err := k.build(nil)
	return made.warnings, err
}

// CheckSet says what is wrong with the document of a Key.URL, and which of its keys would be left out.
func CheckSet(document []byte) (warnings []string, err error) {
	made, err := readJWKS(document, true)
	return made.warnings, err
}

func secretKey(id, algorithm string, secret []byte) (*key, error) {
	switch {
	case len(secret) < minSecret:
		return nil, fmt.Errorf("has a secret of %d bytes; at least %d are needed (openssl rand -base64 48 makes one)",
			len(secret), minSecret)
	case strings.Contains(string(secret), "-----BEGIN "):
		return nil, errors.New("has a PEM key as its secret, so that everybody who has the public key could sign; " +
			"give it as a public key file")
	case secret[len(secret)-1] == '\n':
		return nil, errors.New("has a secret that ends with a line break, which the issuer's will not; remove it")
	}
	return newKey(id, algorithm, secret, secret)
}

// newKey pins an algorithm to a key.
func newKey(id, algorithm string, check, sign any) (*key, error) {
	if id != "" {
		if err := protocol.CheckName("kid", id); err != nil {
			return nil, err
		}
	}
	fitting, err := fittingAlgorithms(check)
	if err != nil {
		return nil, err
	}
	if algorithm == "" {
		algorithm = fitting[0]
	}
	method := algorithms[algorithm]
	if method == nil {
		return nil, fmt.Errorf("has the algorithm %s, which is not known; known are %s", protocol.Quote(algorithm),
			knownAlgorithms)
	}
	for _, fits := range fitting {
		if fits == algorithm {
			k := &key{id: id, method: method, check: check, sign: sign}
			hash := k.hash()
			copy(k.fingerprint[:], hash[:])
			return k, nil
		}
	}
	return nil, fmt.Errorf("cannot be used with %s; its algorithm is %s", algorithm, strings.Join(fitting, " or "))
}

// isSecret reports whether the key is a shared secret, with which a check takes next to no time.
func (k *key) isSecret() bool {
	_, ok := k.check.([]byte)
	return ok
}

// hash is the same for keys that accept the same signatures, and reveals nothing about a secret.
func (k *key) hash() [sha256.Size]byte {
	if secret, ok := k.check.([]byte); ok {
		return sha256.Sum256(append([]byte("secret "), secret...))
	}
	der, _ := x509.MarshalPKIXPublicKey(k.check) // newKey let no other kind in
	return sha256.Sum256(append([]byte("public "), der...))
}

// fittingAlgorithms returns the algorithms that a key can be used with, the usual one first.
func fittingAlgorithms(check any) ([]string, error) {
	switch k := check.(type) {
	case []byte:
		return []string{"HS256", "HS384", "HS512"}, nil
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSA || bits > maxRSA {
			return nil, fmt.Errorf("is an RSA key of %d bits; it needs %d to %d (openssl genrsa 3072 makes one)", bits,
				minRSA, maxRSA)
		}
		if k.E < 3 || k.E%2 == 0 {
			return nil, errors.New("is an RSA key with an exponent that is not odd and above 2; " +
				"make a new one (openssl genrsa 3072)")
		}
		return []string{"RS256", "RS384", "RS512"}, nil
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return []string{"ES256"}, nil
		case elliptic.P384():
			return []string{"ES384"}, nil
		}
		return nil, errors.New("is on a curve that is not known; use P-256 (ES256) or P-384 (ES384)")
	case ed25519.PublicKey:
		return []string{"EdDSA"}, nil
	}
	return nil, errors.New("is of a kind that is not known; use an RSA, P-256, P-384 or Ed25519 key")
}

// pemKey reads the one key in a PEM text. The chain of a certificate is skipped.
func pemKey(id, algorithm string, text []byte) (*key, error) {
	var found *pem.Block
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "EC PARAMETERS", found != nil && block.Type == "CERTIFICATE":
			continue
		case found != nil:
			return nil, errors.New("is a PEM text with more than one key; list them one by one, each with its kid")
		}
		found = block
	}
	if found == nil {
		return nil, errors.New("is no PEM text; it has to begin with -----BEGIN")
	}
	check, sign, err := parseBlock(found)
	if err != nil {
		return nil, err
	}
	return newKey(id, algorithm, check, sign)
}

func parseBlock(block *pem.Block) (check, sign any, err error) {
	switch block.Type {
	case "PUBLIC KEY":
		check, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		check, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var certificate *x509.Certificate
		if certificate, err = x509.ParseCertificate(block.Bytes); err == nil {
			check = certificate.PublicKey
		}
	case "PRIVATE KEY":
		sign, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		sign, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		sign, err = x509.ParseECPrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, nil, errors.New("is encrypted; give the public key (openssl pkey -in KEY -pubout), " +
			"which is all that checking needs")
	default:
		return nil, nil, fmt.Errorf("is a PEM block of type %s; a public key, certificate or private key is needed",
			protocol.Quote(block.Type))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("is a PEM block of type %s that cannot be read; "+
			"write it anew with openssl pkey -pubout", block.Type)
	}
	switch private := sign.(type) {
	case *rsa.PrivateKey:
		check = &private.PublicKey
	case *ecdsa.PrivateKey:
		check = &private.PublicKey
	case ed25519.PrivateKey:
		check = private.Public()
	}
	return check, sign, nil
}
