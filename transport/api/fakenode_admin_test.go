package api

import (
	"context"
	"io"
	"strconv"
	"time"
)

// backup stands for what the server writes.
func (n *fakeNode) backup(_ context.Context, to io.Writer) error {
	if err := n.check("acme"); err != nil {
		return err
	}
	_, err := io.WriteString(to, "an archive")
	return err
}

func (n *fakeNode) Tenants() []string {
	if n.panics {
		panic("the secret is s3cret\x1b[2J")
	}
	return []string{"acme"}
}

func (n *fakeNode) DrainTenant(ctx context.Context, tenant string) (int, error) {
	deadline, _ := ctx.Deadline()
	over := time.Until(deadline).Round(100 * time.Millisecond)
	n.operations = append(n.operations, "drain "+tenant+" over "+over.String())
	return len(n.connections()), n.check(tenant)
}

func (n *fakeNode) RestartTenant(_ context.Context, tenant string) error {
	n.operations = append(n.operations, "restart "+tenant)
	return n.check(tenant)
}

func (n *fakeNode) SuspendTenant(tenant string, on bool) error {
	n.operations = append(n.operations, "suspend "+tenant+" "+strconv.FormatBool(on))
	return n.check(tenant)
}
