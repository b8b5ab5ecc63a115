// Package settings says what can be set of a node and of its tenants: the keys, their meanings, units and defaults.
//
// # What it promises
//
//  1. Each key has a line of meaning ([Config.Help]) and a default, from which the configuration, its documentation and
//     its check are made. The zero [Config] is that of a node with all defaults.
//
// # What it does not know
//
// It does not know a configuration file, nor the environment (cmd/parley/config).
package settings
