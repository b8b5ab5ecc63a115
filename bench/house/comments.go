package main

import (
	"fmt"
	"go/ast"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var (
	sentenceEnds  = regexp.MustCompile(`[.!?]["')]*\s+`)
	relativeBegin = regexp.MustCompile(`^[("'-]*\s*(Who|What|Whom)\b`)
)

// relativeSentences are those that begin as a question does and are none: "What is said to one client goes ahead."
func relativeSentences(s *source) (measured, error) {
	var found []string
	for _, f := range s.shipped() {
		for _, group := range f.syntax.Comments {
			for _, sentence := range sentences(group) {
				if relativeBegin.MatchString(sentence) && !strings.HasSuffix(strings.TrimRight(sentence, `"')`), "?") {
					found = append(found, fmt.Sprintf("%s:%d %s", f.path, s.line(group.Pos()), sentence))
				}
			}
		}
	}
	return measured{now: []int{len(found)}, found: found}, nil
}

// packagesWithoutComment are the folders of packages none of whose files has a package comment.
func packagesWithoutComment(s *source) (measured, error) {
	has := map[string]bool{}
	for _, f := range s.shipped() {
		has[f.dir()] = has[f.dir()] || f.syntax.Doc != nil
	}
	var found []string
	for _, dir := range slices.Sorted(maps.Keys(has)) {
		if !has[dir] {
			found = append(found, dir)
		}
	}
	return measured{now: []int{len(found)}, found: found}, nil
}

// sentences are those of a comment. Blocks of code in it are left out, and each item of a list begins one.
func sentences(group *ast.CommentGroup) (all []string) {
	var paragraph []string
	end := func() {
		text := strings.Join(paragraph, " ")
		paragraph = nil
		for text != "" {
			at := sentenceEnds.FindStringIndex(text)
			if at == nil {
				all = append(all, text)
				return
			}
			all = append(all, strings.TrimSpace(text[:at[1]]))
			text = text[at[1]:]
		}
	}
	for line := range strings.Lines(group.Text()) {
		line = strings.TrimRight(line, " \n")
		trimmed := strings.TrimSpace(line)
		isItem := strings.HasPrefix(trimmed, "- ") || strings.HasPrefix(trimmed, "* ")
		switch {
		case trimmed == "" || strings.HasPrefix(line, "\t"):
			end()
		case isItem:
			end()
			paragraph = append(paragraph, trimmed[2:])
		default:
			paragraph = append(paragraph, trimmed)
		}
	}
	end()
	return all
}
