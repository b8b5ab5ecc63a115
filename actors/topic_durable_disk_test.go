package actors

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/parley-realtime/parley/protocol"
)

// smallDisk is a disk of which somebody else takes all.
type smallDisk struct {
	vfs.FS
	full atomic.Bool
}

func (d *smallDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	if d.full.Load() {
		return vfs.DiskUsage{TotalBytes: 1 << 30, AvailBytes: 1000}, nil
	}
	return vfs.DiskUsage{TotalBytes: 1 << 30, AvailBytes: 1 << 29}, nil
}

// reliability.md check 54: and memory topics go on.
func TestDurable_AFullDiskRefusesAndRecoversByItself(t *testing.T) {
	disk := &smallDisk{FS: vfs.NewMem()}
	livesOn(t, disk, Config{}, func(n *Node) {
		c := enter(t, n, words, someone("ann")).subscribe(t, "orders/1")
		publishNumbers(t, n, "orders/1", 1, 1)
		disk.full.Store(true)
		time.Sleep(time.Second)
		_, err := publishTo(n, "orders/1", jsonEvent(t, "b", 2))
		if refusal := protocol.AsRefusal(err); refusal == nil || refusal.Reason != protocol.StorageFull ||
			refusal.RetryAfter <= 0 {
			t.Errorf("%v", err)
		}
		publishNumbers(t, n, "room", 1, 1)
		if now := n.Metrics().Storage; !now.Full || len(probed(t, n)) != 0 {
			t.Errorf("%+v; nothing gets through %q", now, probed(t, n))
		}
		disk.full.Store(false)
		time.Sleep(time.Second)
		if r := mustPublish(t, n, "orders/1", jsonEvent(t, "b", 2)); r.Duplicate || r.Position.Offset != 2 ||
			r.Delivered != 1 {
			t.Errorf("%+v", r)
		}
		synctest.Wait()
		c.wantHeard(t, countedUp(1, 2)...)
	})
}

// stallingDisk is a disk whose syncs wait while it is stalled.
type stallingDisk struct{ gate atomic.Pointer[chan struct{}] }

func (d *stallingDisk) String() string { return "a stalling disk" }

func (d *stallingDisk) MaybeError(op errorfs.Op) error {
	if gate := d.gate.Load(); gate != nil &&
		(op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo) {
		<-*gate
	}
	return nil
}

func TestDurable_APartitionWhoseDiskStallsIsNamedAndItsPublishersGetBusy(t *testing.T) {
	disk := &stallingDisk{}
	livesOn(t, errorfs.Wrap(vfs.NewMem(), disk), Config{}, func(n *Node) {
		c := enter(t, n, words, someone("ann")).subscribe(t, "orders/1")
		if ways := probed(t, n); len(ways) != 0 {
			t.Errorf("nothing gets through %q", ways)
		}
		gate := make(chan struct{})
		disk.gate.Store(&gate)
		if _, err := publishTo(n, "orders/1", jsonEvent(t, "a", 1)); reasonOf(err) != protocol.Busy {
			t.Errorf("%v", err)
		}
		publishNumbers(t, n, "room", 1, 1)
		if ways := probed(t, n); !slices.Equal(ways, []string{"slot 0", "slot 1"}) {
			t.Errorf("nothing gets through %q", ways)
		}
		c.wantHeard(t)
		disk.gate.Store(nil)
		close(gate)
		synctest.Wait()
		if r := mustPublish(t, n, "orders/1", jsonEvent(t, "a", 1)); !r.Duplicate || r.Position.Offset != 1 {
			t.Errorf("%+v", r)
		}
		if ways := probed(t, n); len(ways) != 0 {
			t.Errorf("nothing gets through %q", ways)
		}
		c.wantHeard(t, `{"n":1}`)
	})
}
