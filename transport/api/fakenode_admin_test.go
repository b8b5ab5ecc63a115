package api

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/parley-realtime/parley/actors/outbox"
	"github.com/parley-realtime/parley/actors/tap"
)

// backup stands for what the server writes.
func (n *fakeNode) backup(_ context.Context, to io.Writer) error {
	if err := n.check("acme"); err != nil {
		return err
	}
	_, err := io.WriteString(to, "an archive")
	return err
}

// Tap taps what the test gives to taps.
func (n *fakeNode) Tap(tenant, _, user, topic string) (*tap.Tap, error) {
	if err := n.check(tenant); err != nil {
		return nil, err
	}
	n.taps.Outboxes = &outbox.Shared{}
	return n.taps.Open(tap.Target{Tenant: tenant, User: user, Topic: topic})
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
