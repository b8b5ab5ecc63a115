package target

import (
	"encoding/json"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// Sign makes a client's token. Claims that are no JSON object are an error.
func (t *Token) Sign(w *Values) (string, error) {
	var claims jwt.MapClaims
	if err := json.Unmarshal(t.Claims.Append(nil, w), &claims); err != nil {
		return "", fmt.Errorf("token.claims: %w", err)
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(t.Secret))
}
