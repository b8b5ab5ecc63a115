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

// Result is a configuration and where it came from.
type Result struct {
	Config Config
	// Problems are all that is wrong. A configuration with problems must not be used.
	Problems Problems
	// Warnings are settings that work, but perhaps not as they are meant. They are for parley check; a server logs its
	// own.
	Warnings Problems
	// Refused are certificates that clients refuse, and Expiring those that they will refuse soon. A server starts with
	// both, and logs them.
	Refused, Expiring Problems
	// Unknown are variables that begin with PARLEY_ and are no setting, each with a suggestion; they are worth a
	// warning.
	Unknown []string

	file    string
	origins map[string]string // of keys set by environment or flag
	lines   map[string]int    // of keys set in the file
}

// Load reads all sources and checks the outcome.
func Load(from Sources) *Result {
	l := &Result{file: from.File, origins: map[string]string{}, lines: map[string]int{}}
	l.Config.Protocols = protocolsOf(from.Protocols)
	setDefaults(&l.Config)
	if from.Dev {
		l.Config.applyDevDefaults()
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
		l.check(from.Dev)
	}
	l.Problems = l.Problems.sorted()
	return l
}

func (l *Result) readFile(from Sources) {
	text, err := readBounded(from.File)
	if err != nil {
		if from.Optional && errors.Is(err, fs.ErrNotExist) {
			l.file = ""
			return
		}
		text := cause(err)
		if errors.Is(err, fs.ErrNotExist) {
			text += "; name another with --config, or start with --dev, which needs none"
		}
		l.Problems = append(l.Problems, Problem{Origin: from.File, Text: text})
		return
	}
	doc := document{file: from.File, lines: l.lines}
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
var otherVariables = []string{"PARLEY_CONFIG", "PARLEY_URL", "PARLEY_KEY", "PARLEY_TOKEN", "PARLEY_CLIENTS"}

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
		err := l.Config.parse(env.Options{
			Prefix:              prefix,
			Environment:         map[string]string{s.Env: value},
			DefaultValueTagName: "noDefault", // what was set before stays
		})
		if err != nil {
			l.Problems = append(l.Problems, Problem{Origin: origin, Key: key, Text: "must be " + wanted(s.typ)})
			return
		}
		l.origins[key] = origin
		return
	}
	panic("config: no setting " + key)
}

// parse reads variables into the configuration and into the sections of protocols.
func (c *Config) parse(options env.Options) error {
	err := env.ParseWithOptions(c, options)
	for i := range c.Protocols {
		own := options
		own.Prefix += c.Protocols[i].Env
		err = errors.Join(err, env.ParseWithOptions(c.Protocols[i].Settings, own))
	}
	return err
}

// addProblem adds a problem with a setting, wherever its value came from. A setting that could not be read has its
// problem already, and its value is not the user's.
func (l *Result) addProblem(key, text string) {
	for _, known := range l.Problems {
		if known.Key == key || strings.HasPrefix(known.Key, key+".") || strings.HasPrefix(known.Key, key+"[") {
			return
		}
	}
	l.Problems = append(l.Problems, l.problemsAt(key, text)...)
}

// addWarning adds a warning about a setting.
func (l *Result) addWarning(key, text string) {
	l.Warnings = append(l.Warnings, l.problemsAt(key, text)...)
}

// problemsAt is a problem with a setting, and where its value came from.
func (l *Result) problemsAt(key, text string) Problems {
	if origin, ok := l.origins[key]; ok {
		return Problems{{Key: key, Text: text, Origin: origin}}
	}
	at := document{file: l.file}
	at.addProblem(l.lineOf(key), key, "%s", text)
	return at.problems
}

// lineOf is the line of a key, or of the section that should have it.
func (l *Result) lineOf(key string) int {
	for {
		if line, ok := l.lines[key]; ok {
			return line
		}
		cut := strings.LastIndexAny(key, ".[")
		if cut < 0 {
			return 0
		}
		key = key[:cut]
	}
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
