package machine

import (
	"context"
	"testing"
)

func TestParse_CountsWhatIsNotIdle(t *testing.T) {
	before, now := parse("cpu  10 0 10 100 5 0 1 2 3 0"), parse("cpu  20 0 15 185 5 0 1 2 9 0")
	if before != (usage{all: 128, worked: 23}) {
		t.Errorf("got %+v", before)
	}
	if share := now.share(before); share != 0.15 {
		t.Errorf("a share of %v", share)
	}
}

func TestModel_IsTheProcessorsName(t *testing.T) {
	if name := model("processor\t: 0\nmodel name\t: A B @ 3 GHz\nflags : x\n"); name != "A B @ 3 GHz" {
		t.Errorf("got %q", name)
	}
	if name := model("nothing"); name == "" {
		t.Error("no name at all")
	}
}

func TestDescribe_NamesWhatIsThere(t *testing.T) {
	m, err := Describe()
	if err != nil {
		t.Fatal(err)
	}
	if m.Cores < 1 || m.Memory <= 0 || m.Kernel == " " || m.Processor == "" || m.Files == 0 {
		t.Errorf("got %+v", m)
	}
}

func TestSettle_EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if busy := Settle(ctx); busy != 0 {
		t.Errorf("got %v", busy)
	}
}
