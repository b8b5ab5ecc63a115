// Command scaling says how what the engine does grows with how much there is of it: connections, subscribers, topics,
// subscriptions, filters, levels. Nothing may cost more than in proportion.
//
//	go -C bench run ./scaling
//	go -C bench run ./scaling -only filter -json scaling.json
//
// A series has sizes, and the processor time that one unit took at each (one connection of so many, one delivery to so
// many, one publish beside so many). The exponent of the whole is one more than the slope of these costs in a log-log
// plane, fitted by least squares: 1 is in proportion, 2 is a square. It is said for all sizes, and for the largest
// alone, since at small sizes what is fixed hides what grows.
//
// Units that no longer fit into the caches cost more, too, which is not the fault of the algorithm. That knee is told
// apart by measuring it: each series says how many cache lines one of its units touches, roughly, and walk.go touches
// as many of as many units, in random order. By what that would make the cheapest size dearer, all are divided before
// the verdict. A series is worse than linear if then the exponent of its last two sizes and that of its last three are
// above 1.1.
//
// A series stops early, and says so, when its next size would take more than eight seconds.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/parley-realtime/parley/bench/checkout"
	"github.com/parley-realtime/parley/bench/inproc/figure"
)

var (
	most = flag.Int("most", 1_000_000, "the largest number of connections and topics")
	only = flag.String("only", "", "only the groups of series whose name contains this")
	file = flag.String("json", "", "where to write the figures as JSON")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "scaling:", err)
		os.Exit(1)
	}
}

// groups are the measurements, each of which makes several series of the same clients.
var groups = []struct {
	name    string
	measure func() ([]*Series, error)
}{
	{"connections", connections},
	{"topics", topics},
	{"subscriptions", subscriptions},
	{"filters", filters},
	{"levels", levels},
	{"users", users},
	{"throttles", throttles},
	{"cores", cores},
}

func run() error {
	if err := checkout.Enter(); err != nil {
		return err
	}
	debug.SetGCPercent(50) // as the server does (cmd/parley/garbage.go)
	began, known := time.Now(), false
	sheet := figure.New("scaling", io.Discard)
	for _, g := range groups {
		if !strings.Contains(g.name, *only) {
			continue
		}
		known = true
		all, err := g.measure()
		if err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		for _, s := range all {
			s.print(os.Stdout)
			if len(s.Points) > 1 && s.Bounded {
				sheet.Hold(s.Name+": exponent", s.net().growth(), "", worst)
			}
		}
		debug.FreeOSMemory() // what a group leaves is none of the next one's
	}
	if !known {
		return fmt.Errorf("no group of series has %q in its name", *only)
	}
	sheet.Add("the whole run", time.Since(began).Seconds(), "s")
	summary(sheet, time.Since(began))
	return sheet.Write(*file)
}

// summary names the series that are worse than linear.
func summary(sheet *figure.Sheet, took time.Duration) {
	held, bad := 0, 0
	for _, f := range sheet.Figures {
		if f.Met == nil {
			continue
		}
		if held++; !*f.Met {
			bad++
			fmt.Printf("\nWORSE THAN LINEAR: %s %.2f", f.Name, f.Value)
		}
	}
	fmt.Printf("\n%d of %d series are worse than linear; the whole run took %s\n", bad, held, took.Round(time.Second))
}
