package completion

import (
	"fmt"
	"strings"
)

// fish has a line for each word and flag, and a function that says whether a command is the one on the line.
func fish(program string, places []place) string {
	var b strings.Builder
	fmt.Fprintf(&b, fishFunction, program, strings.Join(paths(places), " "))
	for _, p := range places {
		at := fmt.Sprintf("complete -c %s -n '__%s_at \"%s\"'", program, program, p.path)
		for _, w := range p.words {
			fmt.Fprintf(&b, "%s -f -a %s -d %s\n", at, quoted(w.text), quoted(w.help))
		}
		for _, f := range p.flags {
			fishFlag(&b, at, f)
		}
	}
	return b.String()
}

// fishFunction is given the program and the commands.
const fishFunction = `# fish completion of %[1]s: %[1]s completion fish | source
function __%[1]s_at
	set -l at
	for word in (commandline -opc)[2..-1]
		switch "$(string join ' ' -- $at $word)"
			case %[2]s
				set -a at $word
		end
	end
	test "$(string join ' ' -- $at)" = "$argv[1]"
end
`

func fishFlag(b *strings.Builder, at string, f flag) {
	for _, name := range f.names {
		long, isLong := strings.CutPrefix(name, "--")
		option := "-l " + long
		if !isLong {
			option = "-s " + strings.TrimPrefix(name, "-")
		}
		switch {
		case len(f.values) > 0:
			option += " -x -a " + quoted(strings.Join(f.values, " "))
		case f.takes:
			option += " -r"
		}
		fmt.Fprintf(b, "%s %s -d %s\n", at, option, quoted(f.help))
	}
}
