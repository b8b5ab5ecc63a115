package mailbox

import (
	"fmt"
	"runtime"
	"strings"
)

const (
	// maxStacks is how much of the stacks of all goroutines is looked through, in bytes. Idle actors and sockets have none.
	maxStacks = 4 << 20

	// maxStack is how much of a stack is told, in bytes.
	maxStack = 8 << 10
)

// StacksOf are the stacks of the goroutines that are in these mailboxes' run or turn, in their order; one that is not found is said to be so.
// The whole process stands still meanwhile, for some milliseconds, so it is for the rare case.
func StacksOf(boxes []*Mailbox) []string {
	text := make([]byte, maxStacks)
	all := strings.Split(string(text[:runtime.Stack(text, true)]), "\n\n")
	found := make([]string, len(boxes))
	for i, box := range boxes {
		found[i] = stackOf(all, fmt.Sprintf("(*Mailbox).run(%p)", box), fmt.Sprintf("(*Mailbox).RunInline(%p)", box))
	}
	return found
}

func stackOf(all []string, run, turn string) string {
	for _, stack := range all {
		if strings.Contains(stack, run) || strings.Contains(stack, turn) {
			return stack[:min(len(stack), maxStack)]
		}
	}
	return "not found among the first goroutines"
}
