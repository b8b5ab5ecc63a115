// Package contexts keeps which servers a person works with, each under a name: as kubectl, docker and nats call it, a
// context is an address with what one shows there.
//
// They are in parley/contexts.json below the user's configuration directory, for the user alone (0600). Keys and tokens
// are not in it but the names of their files, which are read anew each time.
package contexts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parley-realtime/parley/cmd/parley/wholefile"
)

// Context is one server and what its user shows there.
type Context struct {
	// URL is the public address, and Internal the one of health and metrics; "" if it is the same or out of reach.
	URL      string `json:"url"`
	Internal string `json:"internal,omitempty"`
	// KeyFile and TokenFile hold the API key of a tenant and the token of a client; "" for none.
	KeyFile   string `json:"key_file,omitempty"`
	TokenFile string `json:"token_file,omitempty"`
}

// Key reads the API key, "" if there is none.
func (c *Context) Key() (string, error) { return secret(c.KeyFile) }

// Token reads the token, "" if there is none.
func (c *Context) Token() (string, error) { return secret(c.TokenFile) }

// maxSecret bounds the file of a key or token, in bytes.
const maxSecret = 64 << 10

func secret(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	text := string(bytes.TrimSpace(content))
	if text == "" || len(text) > maxSecret || strings.ContainsAny(text, "\r\n") {
		return "", fmt.Errorf("%s has to hold one line: the key or token", file)
	}
	return text, nil
}

// Contexts are those of a user.
type Contexts struct {
	// Current is the name of the one that commands use if they are told no other; "" for none.
	Current string             `json:"current,omitempty"`
	All     map[string]Context `json:"contexts"`

	path string
}

// Open reads the user's contexts. A user who has none yet, as one without a home directory, has an empty set.
func Open() (*Contexts, error) {
	c := &Contexts{All: map[string]Context{}}
	dir, err := os.UserConfigDir()
	if err != nil {
		return c, nil // Save says it
	}
	c.path = filepath.Join(dir, "parley", "contexts.json")
	content, err := os.ReadFile(c.path)
	if err == nil {
		err = json.Unmarshal(content, c)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", c.path, err)
	}
	if c.All == nil {
		c.All = map[string]Context{}
	}
	return c, nil
}

// Save writes the contexts, for the user alone.
func (c *Contexts) Save() error {
	if c.path == "" {
		_, err := os.UserConfigDir()
		return err
	}
	content, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(c.path), 0o700); err != nil {
		return err
	}
	return wholefile.Replace(c.path, append(content, '\n'))
}

// Add adds a context, or replaces the one of that name. The first one becomes the current one. File names become
// absolute: commands run elsewhere later.
func (c *Contexts) Add(name string, added Context) error {
	if name == "" || strings.ContainsAny(name, " \t\r\n/\\") {
		return fmt.Errorf("%.100q is no name of a context: use letters, such as prod", name)
	}
	for _, address := range []string{added.URL, added.Internal} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" || u.User != nil) {
			return fmt.Errorf("%.100q is no address such as https://push.example.org", address)
		}
	}
	if err := errors.Join(located(&added.KeyFile), located(&added.TokenFile)); err != nil {
		return err
	}
	c.All[name] = added
	if c.Current == "" {
		c.Current = name
	}
	return nil
}

// located makes the name of a file absolute; the file has to hold a secret.
func located(file *string) error {
	if *file == "" {
		return nil
	}
	_, err := secret(*file)
	if err == nil {
		*file, err = filepath.Abs(*file)
	}
	return err
}

// Use makes a context the current one.
func (c *Contexts) Use(name string) error {
	_, err := c.Named(name)
	if err == nil {
		c.Current = name
	}
	return err
}

// Named finds a context.
func (c *Contexts) Named(name string) (Context, error) {
	found, ok := c.All[name]
	if !ok {
		known := "there are none; parley context add makes one"
		if len(c.All) > 0 {
			known = "known are " + strings.Join(c.Names(), ", ")
		}
		return found, fmt.Errorf("there is no context %.100q: %s", name, known)
	}
	return found, nil
}

// Names are those of all contexts, sorted.
func (c *Contexts) Names() []string { return slices.Sorted(maps.Keys(c.All)) }
