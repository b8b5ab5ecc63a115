package mailbox

import (
	"fmt"
	"runtime"
	"strings"
)

const (
	// maxStacks is how much of the stacks of all goroutines is searched, in bytes. Idle actors and sockets have none.
	maxStacks = 4 << 20

	// maxStack is how much of one stack is returned, in bytes.
	maxStack = 8 << 10
)

// StacksOf returns, in the order of boxes, the stack of the goroutine that runs each actor: at most 8 KiB of text each,
// or a sentence that it was not found. The whole process stands still meanwhile, for some milliseconds, so it is for
// the rare case.
func StacksOf(boxes []*Mailbox) []string {
	text := make([]byte, maxStacks)
	all := strings.Split(string(text[:runtime.Stack(text, true)]), "\n\n")
	found := make([]string, len(boxes))
	for i, box := range boxes {
		found[i] = stackOf(all, fmt.Sprintf("(*Mailbox).run(%p)", box), fmt.Sprintf("(*Mailbox).RunInline(%p)", box))
	}
	return found
}

// stackOf returns the stack that contains one of two calls.
func stackOf(all []string, run, inline string) string {
	for _, stack := range all {
		if strings.Contains(stack, run) || strings.Contains(stack, inline) {
			return stack[:min(len(stack), maxStack)]
		}
	}
	return "not found among the first goroutines"
}
