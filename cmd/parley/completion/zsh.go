package completion

import (
	"fmt"
	"strings"
)

// zsh has one function that finds the command on the line, and describes what may follow.
func zsh(program string, places []place) string {
	var b strings.Builder
	for _, p := range places {
		zshPlace(&b, p)
	}
	return fmt.Sprintf(zshScript, program, strings.Join(paths(places), " | "), b.String())
}

// zshScript is around the places. It is given the program, the commands, and the places.
const zshScript = `#compdef %[1]s
# zsh completion of %[1]s: %[1]s completion zsh > a file _%[1]s in a directory of $fpath
_%[1]s() {
	local at= word i
	local -a words_here flags_here values_here
	for ((i = 2; i < CURRENT; i++)); do
		word=${words[i]}
		case "${at:+$at }$word" in
		%[2]s) at="${at:+$at }$word" ;;
		esac
	done
	case "$at" in
%[3]s	esac
	if (( $#values_here )); then
		compadd -- $values_here
	elif [[ $PREFIX == -* ]]; then
		_describe flag flags_here
	elif (( $#words_here )); then
		_describe command words_here
	else
		_files
	fi
}
if [[ $funcstack[1] == _%[1]s ]]; then
	_%[1]s "$@"
else
	compdef _%[1]s %[1]s
fi
`

func zshPlace(b *strings.Builder, p place) {
	fmt.Fprintf(b, "\t%s)\n\t\tcase \"${words[CURRENT-1]}\" in\n", quoted(p.path))
	for _, f := range p.flags {
		switch {
		case len(f.values) > 0:
			fmt.Fprintf(b, "\t\t%s) values_here=(%s) ;;\n", strings.Join(f.names, " | "), strings.Join(f.values, " "))
		case f.takes:
			fmt.Fprintf(b, "\t\t%s) _files; return ;;\n", strings.Join(f.names, " | "))
		}
	}
	b.WriteString("\t\tesac\n\t\twords_here=(")
	for _, w := range p.words {
		b.WriteString(quoted(w.text+":"+w.help) + " ")
	}
	b.WriteString(")\n\t\tflags_here=(")
	for _, f := range p.flags {
		for _, name := range f.names {
			b.WriteString(quoted(name+":"+f.help) + " ")
		}
	}
	b.WriteString(") ;;\n")
}
