package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"
	"github.com/caarlos0/env/v11"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// document reads one YAML file into a struct, field by field, so that every problem is found in one go and each has
// its line. A key that the file does not have leaves its field alone.
type document struct {
	file     string
	lines    map[string]int // of each key that is there
	problems Problems
}

func (d *document) addProblem(line int, key, format string, args ...any) {
	d.problems = append(d.problems, problemAt(d.file, line, key, fmt.Sprintf(format, args...)))
}

// read fills into, a pointer to a struct.
func (d *document) read(content []byte, into any) {
	file, err := parse(content)
	if err != nil {
		line, text := 0, "cannot be read as YAML"
		if syntax, ok := errors.AsType[*yaml.SyntaxError](err); ok {
			line, text = syntax.Token.Position.Line, strings.Join(strings.Fields(syntax.Message), " ")
		}
		d.addProblem(line, "", "%s", text)
		return
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			bodies = append(bodies, doc.Body)
		}
	}
	switch {
	case len(bodies) > 1:
		d.addProblem(lineOf(bodies[1]), "", "a second YAML document; there may be one")
	case len(bodies) == 1:
		d.fill(bodies[0], reflect.ValueOf(into).Elem(), "")
	}
}

// parse makes an error of a panic in the library, should there be one for some garbage.
func parse(text []byte) (file *ast.File, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("YAML: %v", cause)
		}
	}()
	return parser.ParseBytes(text, 0)
}

// lineOf is the line where a node begins, 0 if that is unknown.
func lineOf(node ast.Node) int {
	if token := node.GetToken(); token != nil && token.Position != nil {
		return token.Position.Line
	}
	return 0
}

func (d *document) fill(node ast.Node, into reflect.Value, key string) {
	line := lineOf(node)
	switch node.(type) {
	case *ast.NullNode:
		return // a key without a value sets nothing
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		d.addProblem(line, key, "anchors, aliases and tags are not understood here; write the value out")
		return
	}
	switch {
	case into.Type() == durationType:
		d.duration(node, into, key, line)
	case into.Kind() == reflect.Struct:
		d.section(node, into, key, line)
	case into.Kind() == reflect.Slice:
		d.list(node, into, key, line)
	case into.Kind() == reflect.Map:
		d.named(node, into, key, line)
	default:
		d.scalar(node, into, key, line)
	}
}

// membersOf are the keys of a section, and their values; ok is false for a node that is none.
func membersOf(node ast.Node) (members []*ast.MappingValueNode, ok bool) {
	switch node := node.(type) {
	case *ast.MappingNode:
		return node.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{node}, true
	}
	return nil, false
}

// named fills a map of sections, whose keys are names of the operator's own.
func (d *document) named(node ast.Node, into reflect.Value, key string, line int) {
	members, ok := membersOf(node)
	if !ok {
		d.addProblem(line, key, "must be sections by their names")
		return
	}
	into.Set(reflect.MakeMap(into.Type()))
	for _, member := range members {
		name := member.Key.GetToken().Value
		element, full := reflect.New(into.Type().Elem()), fmt.Sprintf("%s[%s]", key, name)
		setDefaults(element.Interface())
		d.lines[full] = lineOf(member.Key)
		d.fill(member.Value, element.Elem(), full)
		into.SetMapIndex(reflect.ValueOf(name), element.Elem())
	}
}

func (d *document) section(node ast.Node, into reflect.Value, key string, line int) {
	members, ok := membersOf(node)
	if !ok {
		d.addProblem(line, key, "must be a section with keys of its own: %s", strings.Join(names(into), ", "))
		return
	}
	for _, member := range members {
		name := member.Key.GetToken().Value
		line := lineOf(member.Key)
		field, ok := fieldNamed(into, name)
		full := join(key, name)
		if !ok {
			d.addProblem(line, full, "unknown key%s", nearest(name, names(into)))
			continue
		}
		d.lines[full] = line
		d.fill(member.Value, field, full)
	}
}

func (d *document) list(node ast.Node, into reflect.Value, key string, line int) {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok && into.Type().Elem().Kind() == reflect.String { // a list of one may be written without brackets
		one := reflect.New(into.Type().Elem()).Elem()
		d.scalar(node, one, key, line)
		into.Set(reflect.Append(reflect.MakeSlice(into.Type(), 0, 1), one))
		return
	}
	if !ok {
		d.addProblem(line, key, "must be a list")
		return
	}
	list := reflect.MakeSlice(into.Type(), len(sequence.Values), len(sequence.Values))
	for i, value := range sequence.Values {
		element := list.Index(i)
		if element.Kind() == reflect.Struct {
			setDefaults(element.Addr().Interface())
		}
		full := fmt.Sprintf("%s[%d]", key, i)
		d.lines[full] = lineOf(value)
		d.fill(value, element, full)
	}
	into.Set(list)
}

func (d *document) duration(node ast.Node, into reflect.Value, key string, line int) {
	if text, ok := node.(*ast.StringNode); ok {
		if value, err := time.ParseDuration(text.Value); err == nil {
			into.SetInt(int64(value))
			return
		}
	}
	d.addProblem(line, key, "must be %s", wanted(into.Type()))
}

func (d *document) scalar(node ast.Node, into reflect.Value, key string, line int) {
	if fits(node, into.Kind()) {
		if err := yaml.NodeToValue(node, into.Addr().Interface()); err == nil {
			return
		}
	}
	d.addProblem(line, key, "must be %s", wanted(into.Type()))
}

// fits keeps YAML's conversions out: a password of digits stays a text, and a text is no number.
func fits(node ast.Node, kind reflect.Kind) bool {
	switch node.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return kind == reflect.String
	case *ast.IntegerNode:
		return kind != reflect.Bool && kind != reflect.String
	case *ast.FloatNode:
		return kind == reflect.Float64 || kind == reflect.Float32
	case *ast.BoolNode:
		return kind == reflect.Bool
	}
	return false
}

// wanted says what a value of this type looks like.
func wanted(typ reflect.Type) string {
	if typ == durationType {
		return "a duration with its unit, such as 500ms, 30s or 10m"
	}
	switch typ.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text (in quotes if it looks like a number)"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number that is not negative"
	}
	return "a whole number"
}

var durationType = reflect.TypeFor[time.Duration]()

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

// fieldNamed finds the value of a key.
func fieldNamed(section reflect.Value, name string) (reflect.Value, bool) {
	for _, f := range fields(section) {
		if f.name == name {
			return f.value, true
		}
	}
	return reflect.Value{}, false
}

// names are the keys of a section.
func names(section reflect.Value) []string {
	var all []string
	for _, f := range fields(section) {
		all = append(all, f.name)
	}
	return all
}

// nearest suggests the known key that was probably meant, if there is one.
func nearest(name string, known []string) string {
	best, distance := "", 1+max(2, len(name)/3)
	for _, candidate := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), candidate); d < distance {
			best, distance = candidate, d
		}
	}
	if best == "" {
		return "; known here are " + strings.Join(known, ", ")
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// setDefaults gives every field the default of its tag. It panics if a tag is wrong, which a test would see first.
func setDefaults(into any) {
	if err := env.ParseWithOptions(into, env.Options{Environment: map[string]string{}}); err != nil {
		panic("config: " + err.Error())
	}
}
