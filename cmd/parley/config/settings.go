package config

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/parley-realtime/parley/protocol"
)

// prefix stands before every name in the environment.
const prefix = "PARLEY_"

// Setting is one thing that can be set.
type Setting struct {
	// Key is its place in the file, such as "log.level"; [] stands for the elements of a list.
	Key string
	// Env is its name in the environment, "" if the file alone can set it.
	Env                 string
	Default, Unit, Help string

	typ     reflect.Type
	restart bool // of a protocol's setting: it is read at the start alone
}

// inline is the tag of a struct whose fields are as good as the outer one's, perProtocol that of the list of protocols,
// each of which has a section by its own key.
const (
	inline      = ",inline"
	perProtocol = ",protocols"
)

// field is one key of a section.
type field struct {
	name, env, envPrefix string
	help                 string
	tag                  reflect.StructTag
	value                reflect.Value
}

// helper is a section that has a line of meaning for each of its keys.
type helper interface{ Help() map[string]string }

// fields are the keys of a section, in the order of the struct that declares them.
func fields(section reflect.Value) []field {
	var help map[string]string
	if texts, ok := section.Interface().(helper); ok {
		help = texts.Help()
	}
	var all []field
	for i := range section.NumField() {
		tag, value := section.Type().Field(i).Tag, section.Field(i)
		switch name := tag.Get("yaml"); name {
		case "", "-":
		case inline:
			all = append(all, fields(value)...)
		case perProtocol:
			for _, p := range value.Interface().([]Protocol) {
				if p.Section != "" {
					all = append(all, field{name: p.Section, envPrefix: p.Env,
						value: reflect.ValueOf(p.Settings).Elem()})
				}
			}
		default:
			all = append(all, field{name: name, env: tag.Get("env"), envPrefix: tag.Get("envPrefix"), help: help[name],
				tag: tag, value: value})
		}
	}
	return all
}

// ofSections reports whether a setting has sections: a list of them, or a map by their names.
func ofSections(typ reflect.Type) bool {
	return (typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map) && typ.Elem().Kind() == reflect.Struct
}

// settings walks one section; env is the prefix for its fields, "" if the environment does not reach them.
func settings(section reflect.Value, key, env string) []Setting {
	var all []Setting
	for _, f := range fields(section) {
		full, variable, typ := join(key, f.name), "", f.value.Type()
		if env != "" && f.env != "-" {
			variable = env + f.env
		}
		switch {
		case typ.Kind() == reflect.Struct:
			inner := ""
			if variable != "" {
				inner = env + f.envPrefix
			}
			all = append(all, settings(f.value, full, inner)...)
		case ofSections(typ):
			all = append(all, settings(reflect.New(typ.Elem()).Elem(), full+"[]", "")...)
		default:
			all = append(all, Setting{
				Key: full, Env: variable, Default: f.tag.Get("envDefault"), Unit: f.tag.Get("unit"), Help: f.help,
				typ: typ, restart: f.tag.Get("reload") == "restart",
			})
		}
	}
	return all
}

// Changed names the settings that differ, but for those that are or lie below one of except, and those of protocols
// that need no restart.
func Changed(a, b *Config, except []string) []string {
	except = slices.Clone(except)
	for i := range a.Protocols {
		except = append(except, a.Protocols[i].Section)
	}
	var changed []string
	for _, s := range a.Settings() {
		name, _, _ := strings.Cut(s.Key, "[") // a list is compared as a whole
		excepted := slices.Contains(changed, name) || !s.restart && slices.ContainsFunc(except, func(key string) bool {
			return name == key || strings.HasPrefix(name, key+".")
		})
		if !excepted && !reflect.DeepEqual(a.value(name).Interface(), b.value(name).Interface()) {
			changed = append(changed, name)
		}
	}
	return changed
}

// Print writes all settings as a table for a person, with those of the protocols of a list.
func Print(w io.Writer, list []protocol.Registration) error {
	c := &Config{Protocols: protocolsOf(list)}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KEY\tENVIRONMENT\tDEFAULT\tUNIT\tMEANING")
	for _, s := range c.Settings() {
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
