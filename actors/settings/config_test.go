package settings

import (
	"reflect"
	"strconv"
	"testing"
	"time"
)

// A node that is embedded has no tags read for it: what it gets for the zero Config is what a configuration gets.
func TestConfig_TheZeroOneHasTheDefaultsOfItsTags(t *testing.T) {
	derived := map[string]bool{ // 0 has a meaning of its own
		"Timeout": true, "InboxCount": true, "Unauthenticated": true, "UnauthenticatedPerAddress": true,
		"Recorder": true,
	}
	filled := reflect.ValueOf(Config{}.WithDefaults())
	for i := range filled.NumField() {
		field := filled.Type().Field(i)
		text, ok := field.Tag.Lookup("envDefault")
		if !ok || derived[field.Name] {
			continue
		}
		want, err := strconv.ParseInt(text, 10, 64)
		if field.Type == reflect.TypeFor[time.Duration]() {
			var d time.Duration
			d, err = time.ParseDuration(text)
			want = int64(d)
		}
		if got := filled.Field(i).Int(); err != nil || got != want {
			t.Errorf("%s is %d, its tag says %s (%v)", field.Name, got, text, err)
		}
	}
}

func TestConfig_APeerIsGoneAfterTwoPingsAndTheirAnswers(t *testing.T) {
	for want, cfg := range map[time.Duration]Config{
		52 * time.Second: {}, 6 * time.Second: {PingEvery: 2 * time.Second},
		time.Minute: {PingEvery: 2 * time.Second, Timeout: time.Minute},
	} {
		if got := cfg.WithDefaults().Timeout; got != want {
			t.Errorf("%+v: gone after %s, want %s", cfg, got, want)
		}
	}
}

func TestConfig_EachKeyHasALineOfMeaning(t *testing.T) {
	help := Config{}.Help()
	for i := range reflect.TypeFor[Config]().NumField() {
		if key := reflect.TypeFor[Config]().Field(i).Tag.Get("yaml"); key != "-" && help[key] == "" {
			t.Errorf("%s has no help", key)
		}
	}
}
