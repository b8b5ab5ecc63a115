// Package completion makes the scripts by which shells complete a command line: its commands, flags and the values of
// flags that are one of a few.
//
// The scripts are static: a shell asks nothing while somebody types. Where nothing is known, files are completed.
package completion

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Shells are those that there is a script for.
var Shells = []string{"bash", "zsh", "fish"}

// Script is the script of one of Shells for a program; another shell panics.
func Script(shell string, app *kong.Application) string {
	places := walk(app.Node, "")
	switch shell {
	case "bash":
		return bash(app.Name, places)
	case "zsh":
		return zsh(app.Name, places)
	case "fish":
		return fish(app.Name, places)
	}
	panic("completion: no such shell: " + shell)
}

// place is a command, and what may follow it.
type place struct {
	path  string // its names without the program's, joined by spaces; "" for the program
	words []word // commands and values of arguments
	flags []flag
}

// word is a word that may come, with its help.
type word struct{ text, help string }

// flag is a flag with all its names, with their dashes.
type flag struct {
	names  []string
	help   string
	values []string // "" for none: files, or anything
	takes  bool     // a value
}

// walk finds the places of a command and below it, in the order of the help.
func walk(n *kong.Node, path string) []place {
	here := place{path: path}
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			here.flags = append(here.flags, flagOf(f))
		}
	}
	for _, p := range n.Positional {
		for _, value := range values(p) {
			here.words = append(here.words, word{value, firstLine(p.Help)})
		}
	}
	var below []place
	for _, child := range n.Children {
		if child.Hidden {
			continue
		}
		here.words = append(here.words, word{child.Name, firstLine(child.Help)})
		below = append(below, walk(child, strings.TrimSpace(path+" "+child.Name))...)
	}
	return append([]place{here}, below...)
}

func flagOf(f *kong.Flag) flag {
	made := flag{names: []string{"--" + f.Name}, help: firstLine(f.Help), takes: !f.IsBool(), values: values(f.Value)}
	if f.Short != 0 {
		made.names = append(made.names, "-"+string(f.Short))
	}
	if f.Tag.Negatable != "" {
		made.names = append(made.names, "--no-"+f.Name)
	}
	return made
}

// values are those that a value is one of; none if it may be anything.
func values(v *kong.Value) []string {
	return slices.DeleteFunc(v.EnumSlice(), func(one string) bool { return one == "" })
}

// firstLine is the first sentence of a help, without what shells would take for theirs.
func firstLine(help string) string {
	help, _, _ = strings.Cut(help, "\n")
	help, _, _ = strings.Cut(help, ". ")
	return strings.NewReplacer("'", "", "\\", "", "[", "(", "]", ")", ":", "").Replace(strings.TrimSuffix(help, "."))
}

// quoted is a word as all three shells read it.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// names are the names of all words.
func names(words []word) (all []string) {
	for _, w := range words {
		all = append(all, w.text)
	}
	return all
}

// bash has one function that finds the command on the line, then what may follow.
func bash(program string, places []place) string {
	var b strings.Builder
	for _, p := range places {
		bashPlace(&b, p)
	}
	return fmt.Sprintf(bashScript, program, strings.Join(paths(places), " | "), b.String())
}

// bashScript is around the places. It is given the program, the commands, and the places.
const bashScript = `# bash completion of %[1]s: source <(%[1]s completion bash)
_%[1]s() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at= word i words= flags= values=
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case "${at:+$at }$word" in
		%[2]s) at="${at:+$at }$word" ;;
		esac
	done
	COMPREPLY=()
	case "$at" in
%[3]s	esac
	if [[ -n $values ]]; then
		words=$values
	elif [[ $cur == -* ]]; then
		words=$flags
	fi
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _%[1]s %[1]s
`

func bashPlace(b *strings.Builder, p place) {
	fmt.Fprintf(b, "\t%s)\n\t\twords=%s\n\t\tcase \"$prev\" in\n", quoted(p.path),
		quoted(strings.Join(names(p.words), " ")))
	var flags []string
	for _, f := range p.flags {
		flags = append(flags, f.names...)
		switch {
		case len(f.values) > 0:
			fmt.Fprintf(b, "\t\t%s) values=%s ;;\n", strings.Join(f.names, " | "), quoted(strings.Join(f.values, " ")))
		case f.takes:
			fmt.Fprintf(b, "\t\t%s) return ;;\n", strings.Join(f.names, " | "))
		}
	}
	fmt.Fprintf(b, "\t\tesac\n\t\tflags=%s ;;\n", quoted(strings.Join(flags, " ")))
}

// paths are those of all places but the program, quoted.
func paths(places []place) (all []string) {
	for _, p := range places[1:] {
		all = append(all, quoted(p.path))
	}
	return all
}
