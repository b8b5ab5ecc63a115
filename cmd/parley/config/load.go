package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/caarlos0/env/v11"

	"github.com/parley-realtime/parley/protocol"
)

// maxFile bounds a configuration file, in bytes.
const maxFile = 1 << 20

// Sources are where a configuration comes from; the later wins over the earlier: defaults, Dev, File, Environ, Flags.
type Sources struct {
	// Protocols are those that have a section.
	Protocols []protocol.Registration
	// File is the YAML file. If it does not exist and Optional is set, that is no problem.
	File     string
	Optional bool
	// Dev starts from the settings of dev mode instead of the defaults.
	Dev bool
	// Environ is the environment as os.Environ gives it; what does not begin with PARLEY_ is ignored.
	Environ []string
	// Flags are settings from the command line.
	Flags []Flag
}

// Flag is a setting from the command line.
type Flag struct {
	// Name is what the user wrote, such as "--listen"; Key the setting that it sets, such as "listen".
	Name, Key, Value string
}

// Result is a configuration, and what is to be said about it.
type Result struct {
	Config Config
	Diagnostics
	// Unknown are variables that begin with PARLEY_ and are no setting, each with a suggestion; they are worth a
	// warning.
	Unknown []string
}

// Load reads all sources and checks the outcome.
func Load(from Sources) *Result {
	l := &Result{Diagnostics: Diagnostics{locator: newLocator(from.File)}}
	l.Config.Protocols = protocolsOf(from.Protocols)
	setDefaults(&l.Config)
	if from.Dev {
		applyDevDefaults(&l.Config)
	}
	if from.File != "" {
		l.readFile(from)
	}
	l.readEnvironment(from.Environ)
	for _, flag := range from.Flags {
		l.set(flag.Name, flag.Key, flag.Value)
	}
	// else there is nothing to look at
	if !slices.ContainsFunc(l.Problems, func(p Problem) bool { return p.Key == "" }) {
		check(&l.Config, from.Dev, &l.Diagnostics)
	}
	l.Problems = l.Problems.sorted()
	l.Config.Effective = l.effective()
	l.Config.provenance = &l.locator
	return l
}

func (l *Result) readFile(from Sources) {
	text, err := readBounded(from.File)
	if err != nil {
		if from.Optional && errors.Is(err, fs.ErrNotExist) {
			l.locator.file = ""
			return
		}
		text := cause(err)
		if errors.Is(err, fs.ErrNotExist) {
			text += "; name another with --config, or start with --dev, which needs none"
		}
		l.Problems = append(l.Problems, Problem{Origin: from.File, Text: text})
		return
	}
	doc := document{file: from.File, lines: l.locator.lines}
	doc.read(text, &l.Config)
	l.Problems = append(l.Problems, doc.problems...)
}

// readEnvironment takes the settings of PARLEY_ variables, but of empty ones and of those that describe a Service.
func (l *Result) readEnvironment(environ []string) {
	known := map[string]string{}
	for _, s := range l.Config.Settings() {
		if s.Env != "" {
			known[s.Env] = s.Key
		}
	}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, prefix) || value == "" || slices.Contains(otherVariables, name) ||
			ofService(entry) {
			continue
		}
		if key, ok := known[name]; ok {
			l.set(name, key, value)
		} else {
			l.Unknown = append(l.Unknown, name+suggest(name, known))
		}
	}
}

// otherVariables are no settings of the server: they are defaults for flags of the command line, and a switch of the
// tests.
var otherVariables = []string{"PARLEY_CONFIG", "PARLEY_URL", "PARLEY_KEY", "PARLEY_TOKEN", "PARLEY_CONTEXT",
	"PARLEY_CLIENTS"}

func suggest(name string, known map[string]string) string {
	best, distance := "", 4
	for candidate := range known {
		if d := levenshtein.ComputeDistance(name, candidate); d < distance || d == distance && candidate < best {
			best, distance = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return " (did you mean " + best + "?)"
}

// set gives one setting the value of a variable or flag.
func (l *Result) set(origin, key, value string) {
	for _, s := range l.Config.Settings() {
		if s.Key != key {
			continue
		}
		err := parseVariables(&l.Config, env.Options{
			Prefix:              prefix,
			Environment:         map[string]string{s.Env: value},
			DefaultValueTagName: "noDefault", // what was set before stays
		})
		if err != nil {
			l.Problems = append(l.Problems, Problem{Origin: origin, Key: key, Text: "must be " + wanted(s.typ)})
			return
		}
		l.locator.origins[key] = origin
		return
	}
	panic("config: no setting " + key)
}

// parseVariables reads variables into the configuration and into the sections of protocols.
func parseVariables(c *Config, options env.Options) error {
	err := env.ParseWithOptions(c, options)
	for i := range c.Protocols {
		own := options
		own.Prefix += c.Protocols[i].Env
		err = errors.Join(err, env.ParseWithOptions(c.Protocols[i].Settings, own))
	}
	return err
}

func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = errors.New("is larger than 1 MiB")
	}
	return text, err
}

// cause is an error about a file without the file's name, which stands in front of it anyway.
func cause(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err.Error()
	}
	return err.Error()
}
