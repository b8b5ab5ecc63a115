package main

import (
	"slices"
	"strings"
	"testing"
)

// indent gives a Python class the indentation that the flattened document lost. No word is changed. The rules:
//
//  1. class stands at the edge; def and async def stand one step in and close everything that is open in the class.
//  2. A line that begins with a block's word and ends with a colon opens a block; what follows is one step further in.
//  3. else and elif close what is open up to their if, and except and finally up to their try.
//  4. The body of if, elif and else is one statement (a comment is none); the block then ends. All other blocks end by
//     rules 1 and 3 alone. This is what the document's class was, and would be wrong for others.
//  5. Inside brackets a line goes one step further in, and the statement ends with the last bracket.
func indent(flat string) string {
	var out strings.Builder
	var open []block
	depth := 0 // of brackets
	for line := range strings.Lines(flat) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		continues := depth > 0
		depth += strings.Count(line, "(") + strings.Count(line, "[") + strings.Count(line, "{") -
			strings.Count(line, ")") - strings.Count(line, "]") - strings.Count(line, "}")
		word := firstWord(line)
		if !continues {
			open = reopen(open, word)
		}
		step := len(open)
		if continues && !strings.ContainsAny(line[:1], ")]}") {
			step++
		}
		out.WriteString(strings.Repeat("    ", step) + line + "\n")
		switch {
		case depth > 0 || strings.HasPrefix(line, "#"):
		case !continues && opens[word] && strings.HasSuffix(line, ":"):
			open = append(open, block{word: word})
		default:
			open = finish(open)
		}
	}
	return out.String()
}

// block is a block that is open, or (done) one that has had its statement and can only be gone on with by else or elif.
type block struct {
	word string
	done bool
}

var (
	opens = map[string]bool{"class": true, "def": true, "if": true, "elif": true, "else": true, "try": true,
		"except": true, "finally": true, "while": true, "for": true, "with": true}
	branches = []string{"if", "elif", "else"}
	goesOn   = map[string][]string{"elif": {"if", "elif"}, "else": {"if", "elif"}, "except": {"try", "except"},
		"finally": {"try", "except", "else"}}
)

// firstWord is the word that says what a line is; async does not change that.
func firstWord(line string) string {
	line = strings.TrimPrefix(line, "async ")
	word, _, _ := strings.Cut(line, " ")
	return strings.TrimSuffix(word, ":")
}

// reopen closes the blocks that cannot be open any more when a line begins with word.
func reopen(open []block, word string) []block {
	switch {
	case word == "class":
		return nil
	case word == "def":
		return open[:min(1, len(open))]
	}
	if before, ok := goesOn[word]; ok {
		for i := len(open) - 1; i >= 0; i-- {
			if slices.Contains(before, open[i].word) {
				return open[:i]
			}
		}
	}
	for len(open) > 0 && open[len(open)-1].done {
		open = open[:len(open)-1]
	}
	return open
}

// finish marks the branch that has had its statement; so have the branches around it.
func finish(open []block) []block {
	for i := len(open) - 1; i >= 0 && slices.Contains(branches, open[i].word); i-- {
		open[i].done = true
	}
	return open
}

func TestIndent_FlatPythonGetsItsBlocksBack(t *testing.T) {
	const want = `class C:
    def a(self):
        """Doc"""
        x = {
            "k": 1
        }
        if x:
            self.b(1)
        self.c()
        try:
            while self.running:
                m = 1
                await self.d(m)
        except E as e:
            print(e)
            raise
    async def d(self, m):
        if m == 1:
            return
        elif m == 2:
            # nothing
            pass
        else:
            print("other")
        self.c()
`
	var flat strings.Builder
	for line := range strings.Lines(want) {
		flat.WriteString(strings.TrimLeft(line, " "))
	}
	if got := indent(flat.String()); got != want {
		t.Errorf("got\n%s", got)
	}
}
