package server

import (
	"net/http"
	"testing"

	"github.com/parley-realtime/parley/cmd/parley/config"
)

// PSH.60, PSH.64: the API of apps is on the public address, and wants a signature.
func TestApps_AreCalledOnThePublicAddress(t *testing.T) {
	s := run(t, devConfig(t))
	for path, want := range map[string]int{
		"/apps/" + config.DevAppID + "/channels": http.StatusUnauthorized, "/apps/2/channels": http.StatusNotFound,
	} {
		response, err := http.Get("http://" + s.Address() + path)
		if err != nil {
			t.Fatal(err)
		}
		if response.Body.Close(); response.StatusCode != want ||
			response.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d, %s", path, response.StatusCode, response.Header.Get("Content-Type"))
		}
	}
}
