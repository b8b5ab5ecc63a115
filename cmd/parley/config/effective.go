package config

import (
	"fmt"
	"iter"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Effective is one setting as it is in effect: one that somebody has set, or that dev mode sets.
type Effective struct {
	// Key names elements of lists by their number: tenants[0].name. Value is masked if it is a secret.
	Key, Value, Default, Unit, Help string
	// Origin is file:line, a variable, a flag, or "dev mode".
	Origin string
}

// mask stands for a secret.
const mask = "(secret)"

// effective lists the settings of a configuration that are not just defaults, in the order of parley config.
func (l *Result) effective() []Effective {
	plain := Config{Protocols: slices.Clone(l.Config.Protocols)}
	for i := range plain.Protocols {
		plain.Protocols[i].Settings = plain.Protocols[i].Defaults()
	}
	setDefaults(&plain)
	return l.effectiveIn(reflect.ValueOf(&l.Config).Elem(), reflect.ValueOf(&plain).Elem(), "")
}

// effectiveIn walks one section beside the same one with its defaults.
func (l *Result) effectiveIn(section, plain reflect.Value, key string) (all []Effective) {
	for _, f := range fields(section) {
		full, typ := join(key, f.name), f.value.Type()
		before, _ := fieldNamed(plain, f.name)
		switch {
		case typ.Kind() == reflect.Struct:
			all = append(all, l.effectiveIn(f.value, before, full)...)
		case ofSections(typ):
			element := reflect.New(typ.Elem())
			setDefaults(element.Interface())
			for name, section := range sectionsOf(f.value) {
				all = append(all, l.effectiveIn(section, element.Elem(), full+"["+name+"]")...)
			}
		default:
			one := Effective{
				Key: full, Value: shown(f.value, f.tag.Get("unit")), Default: shown(before, f.tag.Get("unit")),
				Unit: f.tag.Get("unit"), Help: f.help, Origin: l.locator.origin(full),
			}
			if unset := strings.Contains(full, "[") && f.value.IsZero(); one.Origin == "" && !unset &&
				!reflect.DeepEqual(f.value.Interface(), before.Interface()) {
				one.Origin = "dev mode"
			}
			if one.Origin != "" {
				all = append(all, one)
			}
		}
	}
	return all
}

// sectionsOf are the sections of a list by their numbers, or those of a map by their names, sorted.
func sectionsOf(value reflect.Value) iter.Seq2[string, reflect.Value] {
	return func(yield func(string, reflect.Value) bool) {
		if value.Kind() == reflect.Slice {
			for i := range value.Len() {
				if !yield(strconv.Itoa(i), value.Index(i)) {
					return
				}
			}
			return
		}
		names := value.MapKeys()
		slices.SortFunc(names, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, name := range names {
			if !yield(name.String(), value.MapIndex(name)) {
				return
			}
		}
	}
}

// origin is where a key was set, "" if nobody set it.
func (l *locator) origin(key string) string {
	if from, ok := l.origins[key]; ok {
		return from
	}
	if line, ok := l.lines[key]; ok {
		return fmt.Sprintf("%s:%d", l.file, line)
	}
	return ""
}

// shown is a value for a person. Of a URL neither password nor query is shown, since both may be secret.
func shown(value reflect.Value, unit string) string {
	if value.IsZero() && value.Kind() != reflect.Bool && !value.CanInt() {
		return ""
	}
	switch unit {
	case "secret", "secrets":
		return mask
	case "URL":
		at, err := url.Parse(value.String())
		if err != nil {
			return mask
		}
		at.RawQuery = ""
		return at.Redacted()
	}
	if value.Kind() == reflect.Slice {
		var texts []string
		for i := range value.Len() {
			texts = append(texts, fmt.Sprint(value.Index(i).Interface()))
		}
		return strings.Join(texts, ", ")
	}
	if took, ok := value.Interface().(time.Duration); ok {
		return took.String()
	}
	return fmt.Sprint(value.Interface())
}

// EffectiveAfterReload are the settings after a reload that obeyed all but those that wait for a restart, as Changed
// names them.
func EffectiveAfterReload(before, after []Effective, waiting []string) []Effective {
	waits := func(e Effective) bool {
		return slices.ContainsFunc(waiting, func(name string) bool {
			return e.Key == name || strings.HasPrefix(e.Key, name+"[")
		})
	}
	all := slices.DeleteFunc(slices.Clone(after), waits)
	for _, e := range before {
		if waits(e) {
			all = append(all, e)
		}
	}
	return all
}
