package dialecttest

import (
	"fmt"
	"reflect"
	"strconv"
	"testing"
	"time"
)

// Settings are what a transcript sets: values of a dialect's Config by their keys in the configuration file.
type Settings map[string]string

// Apply writes the settings into the struct that config points to, by its yaml tags. A key that it does not have is an
// error.
func (s Settings) Apply(config any) error {
	fields := reflect.ValueOf(config).Elem()
	for key, value := range s {
		field, ok := fieldOf(fields, key)
		if !ok {
			return fmt.Errorf("there is no setting %q in %s", key, fields.Type())
		}
		if err := assign(field, value); err != nil {
			return fmt.Errorf("setting %s: %w", key, err)
		}
	}
	return nil
}

func fieldOf(fields reflect.Value, key string) (reflect.Value, bool) {
	for i := range fields.NumField() {
		if fields.Type().Field(i).Tag.Get("yaml") == key {
			return fields.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func assign(field reflect.Value, value string) error {
	if field.Type() == reflect.TypeFor[time.Duration]() {
		d, err := time.ParseDuration(value)
		field.SetInt(int64(d))
		return err
	}
	switch field.Kind() {
	case reflect.Bool:
		b, err := strconv.ParseBool(value)
		field.SetBool(b)
		return err
	case reflect.Int:
		n, err := strconv.Atoi(value)
		field.SetInt(int64(n))
		return err
	case reflect.String:
		field.SetString(value)
		return nil
	}
	return fmt.Errorf("a %s cannot be set by a transcript", field.Type())
}

// CheckDefaults holds the defaults in the tags of a Config, or of what a pointer points to, against the Config that its
// package calls the default. Each field must have its key, its name in the environment, its unit and a line of help, as
// a tag or by a method Help.
func CheckDefaults(t testing.TB, defaults any) {
	t.Helper()
	fields := reflect.Indirect(reflect.ValueOf(defaults))
	var help map[string]string
	if helper, ok := defaults.(interface{ Help() map[string]string }); ok {
		help = helper.Help()
	}
	for i := range fields.NumField() {
		field, tag := fields.Type().Field(i), fields.Type().Field(i).Tag
		if tag.Get("yaml") == "" || tag.Get("env") == "" || tag.Get("unit") == "" || tag.Get("help") == "" &&
			help[tag.Get("yaml")] == "" {
			t.Errorf("%s.%s wants yaml, env, unit and help", fields.Type(), field.Name)
		}
		if field.Type.Kind() == reflect.Map { // nothing is set in it
			continue
		}
		parsed := reflect.New(field.Type).Elem()
		if err := assign(parsed, tag.Get("envDefault")); err != nil {
			t.Errorf("%s.%s: %v", fields.Type(), field.Name, err)
		}
		if !parsed.Equal(fields.Field(i)) {
			t.Errorf("%s.%s has the default %v in its tag and %v in code", fields.Type(), field.Name, parsed,
				fields.Field(i))
		}
	}
}
