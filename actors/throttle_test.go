package actors

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors/timer"
	"github.com/parley-realtime/parley/protocol"
)

// every is a filter for at most one event of a key in so long.
func every(d time.Duration) protocol.Filter { return protocol.Filter{Every: d} }

func TestThrottle_TheFirstPassesAndOfThoseThatComeTooSoonTheLatestIsReleasedInTime(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		slow, fast := enter(t, n, words, someone("slow")), enter(t, n, words, someone("fast")).subscribe(t, "t/1")
		slow.want(t, "t/1", every(time.Second))
		start := time.Now()
		for i := range 35 { // one every 100 ms
			mustPublish(t, n, "t/1", metrics(t, "1", fmt.Sprintf(`"n":%d`, i)))
			synctest.Wait()
			if got, most := len(slow.heard()), 1+int(time.Since(start)/time.Second); got > most {
				t.Fatalf("after %s it heard %d", time.Since(start), got)
			}
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		// Released at 1 s, 2 s and 3 s with the newest of that time (timers fire up to 20 ms late), and the last one at
		// 4 s.
		slow.wantHeard(t, "t/1 n=0", "t/1 n=10", "t/1 n=20", "t/1 n=30", "t/1 n=34")
		if len(fast.heard()) != 35 {
			t.Errorf("the unfiltered one heard %d of 35", len(fast.heard()))
		}
	})
}

func TestThrottle_ConflatesPerKeyAndPerMetricInTheOrderInWhichItCame(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		c := enter(t, n, words, someone("a"))
		c.want(t, "telemetry", every(time.Second))
		publish := func(device, parts string) {
			mustPublish(t, n, "telemetry/"+device, metrics(t, device, parts))
		}
		publish("1", `"temp":1`)
		publish("2", `"temp":2`)
		publish("1", `"temp":10,"hum":11`)
		publish("2", `"temp":20`)
		publish("1", `"temp":12`) // hum 11 waits on
		synctest.Wait()
		// two devices do not hold each other on their ancestor
		c.wantHeard(t, "telemetry/1 temp=1", "telemetry/2 temp=2")
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		c.wantHeard(t, "telemetry/1 temp=1", "telemetry/2 temp=2", "telemetry/2 temp=20", "telemetry/1 temp=12 hum=11")
	})
}

func TestThrottle_AReleasedEventIsProjectedAndTheExcludedConnectionDoesNotGetIt(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		a, b := enter(t, n, words, someone("a")), enter(t, n, words, someone("b"))
		f := protocol.Filter{View: protocol.Project([]string{"temp"}), Every: time.Second}
		a.want(t, "t/1", f)
		b.want(t, "t/1", f)
		mustPublish(t, n, "t/1", metrics(t, "1", `"hum":1`)) // not theirs: it neither passes nor starts an interval
		for _, exclude := range []string{"", a.link.ID()} {
			_, err := n.Publish(context.Background(), "acme", Target{Topic: "t/1", Exclude: exclude},
				metrics(t, "1", `"temp":1,"hum":2`))
			if err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		a.wantHeard(t, "t/1 temp=1")
		b.wantHeard(t, "t/1 temp=1", "t/1 temp=1")
	})
}

func TestThrottle_ANewFilterGetsNothingTwiceAndLosesNoPendingSample(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		moves, joins := enter(t, n, words, someone("moves")), enter(t, n, words, someone("joins")).subscribe(t, "t/1")
		stays := enter(t, n, words, someone("stays"))
		moves.want(t, "t/1", every(10*time.Second))
		stays.want(t, "t/1", every(10*time.Second))
		for device := range 2 {
			for i := range 2 { // the second is a pending sample for two of them, and heard by the third
				mustPublish(t, n, "t/1", metrics(t, fmt.Sprint(device), fmt.Sprintf(`"n%d":%d`, device, i)))
			}
		}
		joins.want(t, "t/1", every(10*time.Second)) // it comes to the group that has the pending samples
		moves.want(t, "t", every(10*time.Second))   // another subscription: its pending samples come now
		// for one a new interval begins, for the others it replaces the pending sample
		mustPublish(t, n, "t/1", metrics(t, "0", `"n0":2`))
		synctest.Wait()
		moves.wantHeard(t, "t/1 n0=0", "t/1 n1=0", "t/1 n0=1", "t/1 n1=1", "t/1 n0=2")
		time.Sleep(11 * time.Second)
		synctest.Wait()
		moves.wantHeard(t, "t/1 n0=0", "t/1 n1=0", "t/1 n0=1", "t/1 n1=1", "t/1 n0=2")
		joins.wantHeard(t, "t/1 n0=0", "t/1 n0=1", "t/1 n1=0", "t/1 n1=1", "t/1 n0=2")
		stays.wantHeard(t, "t/1 n0=0", "t/1 n1=0", "t/1 n1=1", "t/1 n0=2")
	})
}

func TestThrottle_APendingSampleSurvivesAFailureOfTheTopic(t *testing.T) {
	bubble(t, Config{}, func(n *Node) {
		c := enter(t, n, words, someone("a"))
		c.want(t, "t/1", every(time.Second))
		mustPublish(t, n, "t/1", metrics(t, "1", `"n":1`))
		mustPublish(t, n, "t/1", metrics(t, "1", `"n":2`))
		crashTopic(n, "t/1")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		c.wantHeard(t, "t/1 n=1", "t/1 n=2")
	})
}

func TestThrottle_ManyIntervalsOnOneTopicDoNotMultiplyTimers(t *testing.T) {
	bubble(t, Config{Timeout: time.Hour}, func(n *Node) {
		slow, fast := enter(t, n, words, someone("slow")), enter(t, n, words, someone("fast"))
		slow.want(t, "t/1", protocol.Filter{View: protocol.Project([]string{"a"}), Every: time.Minute})
		fast.want(t, "t/1", protocol.Filter{View: protocol.Project([]string{"b"}), Every: time.Second})
		for i := range 300 { // the slow one's release is asked for, then the fast one's, which comes first
			mustPublish(t, n, "t/1", metrics(t, "1", fmt.Sprintf(`"a":%d`, i)))
			mustPublish(t, n, "t/1", metrics(t, "1", fmt.Sprintf(`"b":%d`, i)))
			mustPublish(t, n, "t/1", metrics(t, "1", fmt.Sprintf(`"b":%d`, i)))
			time.Sleep(1500 * time.Millisecond)
		}
		synctest.Wait()
		if timers := n.wheel.Pending(func(a timer.Target) bool { _, ok := a.(flushing); return ok }); timers > 2 {
			t.Errorf("%d timers wait to flush one topic", timers)
		}
		if got := len(slow.heard()); got != 8 {
			t.Errorf("the slow one heard %d in 450 s, want 8", got)
		}
		if got := len(fast.heard()); got < 400 || got > 451 {
			t.Errorf("the fast one heard %d in 450 s", got)
		}
	})
}
