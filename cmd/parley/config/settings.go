package config

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"
)

// prefix stands before every name in the environment.
const prefix = "PARLEY_"

// Setting is one thing that can be set.
type Setting struct {
	// Key is its place in the file, such as "dashboard.websocket_enabled"; [] stands for the elements of a list.
	Key string
	// Env is its name in the environment, "" if the file alone can set it.
	Env                 string
	Default, Unit, Help string

	typ reflect.Type
}

// inline is the tag of a struct whose fields are as good as the outer one's.
const inline = ",inline"

// Settings are all settings, in the order of the structs that declare them.
func Settings() []Setting {
	return settings(reflect.TypeFor[Config](), "", prefix)
}

// settings walks one struct; env is the prefix for its fields, "" if the environment does not reach them.
func settings(section reflect.Type, key, env string) []Setting {
	var all []Setting
	for i := range section.NumField() {
		field := section.Field(i)
		name := field.Tag.Get("yaml")
		if name == inline {
			all = append(all, settings(field.Type, key, env)...)
			continue
		}
		if name == "" || name == "-" {
			continue
		}
		full, variable := join(key, name), ""
		if own := field.Tag.Get("env"); env != "" && own != "-" {
			variable = env + own
		}
		switch {
		case field.Type.Kind() == reflect.Struct:
			inner := ""
			if variable != "" {
				inner = env + field.Tag.Get("envPrefix")
			}
			all = append(all, settings(field.Type, full, inner)...)
		case field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct:
			all = append(all, settings(field.Type.Elem(), full+"[]", "")...)
		default:
			all = append(all, Setting{
				Key: full, Env: variable,
				typ: field.Type, Default: field.Tag.Get("envDefault"), Unit: field.Tag.Get("unit"), Help: field.Tag.Get("help"),
			})
		}
	}
	return all
}

// value is what a setting is; key is one without [].
func (c *Config) value(key string) reflect.Value {
	at := reflect.ValueOf(c).Elem()
	for name := range strings.SplitSeq(key, ".") {
		at, _ = fieldNamed(at, name)
	}
	return at
}

// Changed names the settings that differ, but for those that are or lie below one of except.
func Changed(a, b *Config, except []string) []string {
	var changed []string
	for _, s := range Settings() {
		name, _, _ := strings.Cut(s.Key, "[") // a list is compared as a whole
		excepted := slices.Contains(changed, name) || slices.ContainsFunc(except, func(key string) bool {
			return name == key || strings.HasPrefix(name, key+".")
		})
		if !excepted && !reflect.DeepEqual(a.value(name).Interface(), b.value(name).Interface()) {
			changed = append(changed, name)
		}
	}
	return changed
}

// Print writes all settings as a table for a person.
func Print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KEY\tENVIRONMENT\tDEFAULT\tUNIT\tMEANING")
	for _, s := range Settings() {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", s.Key, dash(s.Env), dash(s.Default), dash(s.Unit), s.Help)
	}
	return table.Flush()
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
