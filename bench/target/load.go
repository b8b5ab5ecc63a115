package target

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// pad makes {"device_id":"topic-1","t":...,"s":1000,"pad":"..."} 160 bytes long.
const pad = 93

// Folder loads all targets of a folder: parley first, the baseline next, the others by name, and each one's variants
// behind it.
func Folder(dir string) ([]*Target, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no peers in %s", dir)
	}
	var targets []*Target
	var problems []error
	for _, file := range files {
		p, err := Load(file)
		targets, problems = append(targets, p), append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	slices.SortFunc(targets, func(a, b *Target) int {
		return cmp.Or(order(a.Name)-order(b.Name),
			cmp.Compare(a.Name, b.Name))
	})
	var all []*Target
	for _, p := range targets {
		all = append(append(all, p), p.variants()...)
	}
	return all, nil
}

// order puts Parley and the baseline first.
func order(name string) int {
	if i := slices.Index([]string{"parley", "floor"}, name); i >= 0 {
		return i
	}
	return 2
}

// Load loads the target of a file.
func Load(file string) (*Target, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	p, err := Decode(text)
	if err == nil && p.Name != strings.TrimSuffix(filepath.Base(file), ".yaml") {
		err = fmt.Errorf("the target is called %s", p.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}

// Decode reads a target from YAML. Its errors name the key and what is wrong with it.
func Decode(text []byte) (*Target, error) {
	p := &Target{Pad: pad}
	if err := yaml.UnmarshalWithOptions(text, p, yaml.Strict()); err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return p, nil
}

// check returns what is missing, and fills in what Decode leaves to it.
func (p *Target) check() error {
	switch {
	case p.Name == "":
		return errors.New("name is missing")
	case len(p.Command) == 0:
		return errors.New("command is missing")
	case p.Client.Path.Empty():
		return errors.New("client.path is missing")
	case p.Stamp == "":
		return errors.New("stamp is missing: without it deliveries cannot be counted")
	case p.Sequence == "":
		return errors.New("sequence is missing: without it the order cannot be checked")
	case p.Pad < 0 || p.Pad > 4096:
		return fmt.Errorf("pad is %d; it may be from 0 to 4096", p.Pad)
	case p.Token != nil && (p.Token.Secret == "" || p.Token.Claims.Empty()):
		return errors.New("token needs secret and claims")
	case p.Login != nil && (p.Login.Client.Path.Empty() || p.Login.Claims.Empty()):
		return errors.New("login needs client.path and claims")
	}
	for name, v := range p.Variants {
		if len(v.Cases) == 0 {
			return fmt.Errorf("the variant %s has no cases", name)
		}
	}
	if p.Secure != nil && len(p.Secure.Env) == 0 {
		return errors.New("secure needs env")
	}
	if err := p.Ready.check(); err != nil {
		return err
	}
	for name, d := range p.Cases {
		if d.Publish == nil {
			continue
		}
		if err := d.Publish.check(); err != nil {
			return fmt.Errorf("cases.%s: %w", name, err)
		}
	}
	return p.Publish.check()
}

func (r *Ready) check() error {
	count := 0
	for _, given := range []bool{r.Line != "", r.HTTP != "", r.TCP} {
		if given {
			count++
		}
	}
	if count != 1 {
		return fmt.Errorf("ready has %d of line, http and tcp; it needs one", count)
	}
	if r.Line == "" {
		return nil
	}
	line, err := regexp.Compile(r.Line)
	if err != nil {
		return fmt.Errorf("ready.line: %w", err)
	}
	if line.NumSubexp() < 1 {
		return fmt.Errorf("ready.line %q has no group for the address", r.Line)
	}
	r.line = line
	return nil
}

func (p *Publish) check() error {
	calls := []struct {
		name  string
		call  *Call
		items bool
	}{{"topic", p.Topic, false}, {"user", p.User, false}, {"batch", p.Batch, true}, {"views", p.Views, true}}
	for _, c := range calls {
		if c.call == nil {
			continue
		}
		if err := c.call.check(c.items); err != nil {
			return fmt.Errorf("publish.%s: %w", c.name, err)
		}
	}
	return nil
}

func (c *Call) check(items bool) error {
	c.Method = cmp.Or(c.Method, "POST")
	switch {
	case !c.TCP && c.Path.Empty():
		return errors.New("path is missing")
	case c.TCP && (!c.Path.Empty() || len(c.Header) > 0 || c.Good != ""):
		return errors.New("path, header and good are for HTTP")
	case !c.TCP && (!c.Address.Empty() || !c.Hello.Empty() || len(c.Answer) > 0):
		return errors.New("address, hello and answer are for tcp")
	case items && (c.Item.Empty() || !c.Body.Empty()):
		return errors.New("it needs item instead of body")
	case !items && (c.Body.Empty() || !c.Item.Empty()):
		return errors.New("it needs body instead of item")
	}
	return nil
}
