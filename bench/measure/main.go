// Command measure starts a server in dev mode and says what it costs: the memory and the idle processor time of many
// connections, and then the deliveries, order and latency of events that all of them hear.
//
//	make build && go run ./bench/measure -clients 15000 -events 0
//	make build && go run ./bench/measure -clients 1000 -events 1000 -rate 100
//
// Every client is authenticated as a user of its own and has one subscription. Generator and server share the machine.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/parley-realtime/parley/bench/swarm"
	"github.com/parley-realtime/parley/transport/auth"
)

var (
	clients = flag.Int("clients", 1000, "how many connections")
	own     = flag.Bool("own", false, "a topic of its own for each client, instead of one for all")
	idle    = flag.Duration("idle", 10*time.Second, "how long to watch them do nothing")
	events  = flag.Int("events", 1000, "how many events to publish to the topic of all")
	rate    = flag.Int("rate", 100, "events per second; 0 is as fast as the answers come")
	binary  = flag.String("binary", "bin/parley", "the server")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func run() error {
	s, err := start(*binary)
	if err != nil {
		return err
	}
	defer s.stop()
	before, err := s.figures()
	if err != nil {
		return err
	}
	crowd, err := connect(s.address)
	if err != nil {
		return err
	}
	defer crowd.Close()
	if err := watch(s, crowd, before); err != nil || *events == 0 || *own {
		return err
	}
	return flood(s, crowd)
}

// connect brings the clients in.
func connect(address string) (*swarm.Swarm, error) {
	signer, err := auth.New(auth.Config{}, map[string]auth.TenantKeys{"dev": {Keys: []auth.Key{{Algorithm: "HS256", Secret: "parley-dev-secret-not-for-production"}}}})
	if err != nil {
		return nil, err
	}
	device := "1"
	if *own {
		device = "${n}"
	}
	crowd, err := swarm.New(swarm.Plan{
		Address: address, Path: "/ws", Ready: `"pong"`, Stamp: `"t":`, Sequence: `"s":`,
		Say: []string{`{"type":"auth","token":"${token}"}`, `{"type":"subscribe","channel":"telemetry","device_id":` + device + `}`, `{"type":"ping"}`},
		Token: func(n int) string {
			token, _ := signer.Sign("dev", auth.Grant{User: fmt.Sprint("user-", n)})
			return token
		},
	})
	if err != nil {
		return nil, err
	}
	began := time.Now()
	for n := range *clients {
		if err := crowd.Dial(n); err != nil {
			return nil, err
		}
	}
	took := time.Since(began)
	fmt.Printf("%d connections, one after the other: %.0f a second\n", *clients, float64(*clients)/took.Seconds())
	return crowd, nil
}

// watch measures what idle connections cost.
func watch(s *server, crowd *swarm.Swarm, before figures) error {
	if err := crowd.Run(until(3 * time.Second)); err != nil {
		return err
	}
	began, err := s.figures()
	if err != nil {
		return err
	}
	if err := crowd.Run(until(*idle)); err != nil {
		return err
	}
	now, err := s.figures()
	if err != nil {
		return err
	}
	fmt.Printf("resident memory: %.2f KiB per connection\n", float64(now.resident-before.resident)/1024/float64(*clients))
	fmt.Printf("idle: %.1f %% of a core\n", 100*(now.processor-began.processor).Seconds()/idle.Seconds())
	return nil
}

func until(d time.Duration) func() bool {
	end := time.Now().Add(d)
	return func() bool { return time.Now().After(end) }
}

// flood publishes and counts what arrives.
func flood(s *server, crowd *swarm.Swarm) error {
	crowd.Reset()
	began, err := s.figures()
	if err != nil {
		return err
	}
	start, failed := time.Now(), make(chan error, 1)
	go publish(s.address, failed)
	want := int64(*events) * int64(*clients)
	late := until(2 * time.Minute)
	if err := crowd.Run(func() bool { return crowd.Messages() >= want || late() || len(failed) > 0 }); err != nil {
		return err
	}
	took := time.Since(start)
	now, err := s.figures()
	if err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	default:
	}
	f := crowd.Figures()
	fmt.Printf("%d of %d deliveries, %d out of order, %.0f a second\n", f.Messages, want, f.Gaps, float64(f.Messages)/took.Seconds())
	fmt.Printf("server: %.2f us of processor time per delivery\n", float64((now.processor-began.processor).Microseconds())/float64(max(f.Messages, 1)))
	fmt.Printf("latency: p50 %d us, p99 %d us, max %d us\n", f.Latency.ValueAtQuantile(50), f.Latency.ValueAtQuantile(99), f.Latency.Max())
	if f.Messages != want || f.Gaps != 0 {
		return errors.New("not everything arrived once and in order")
	}
	return nil
}

// publish sends the events over one keep-alive connection.
func publish(address string, failed chan<- error) {
	next := time.Now()
	for i := 1; i <= *events; i++ {
		body := fmt.Appendf(nil, `{"event":{"kind":"telemetry","data":{"device_id":1,"telemetry":{"load":{"value":1.5,"unit":"%%","t":%d,"s":%d}}}}}`, time.Now().UnixNano(), i)
		r, err := http.NewRequest(http.MethodPost, "http://"+address+"/api/v1/publish", bytes.NewReader(body))
		if err == nil {
			r.Header.Set("X-API-Key", "dev")
			err = send(r)
		}
		if err != nil {
			failed <- err
			return
		}
		if *rate > 0 {
			next = next.Add(time.Second / time.Duration(*rate))
			time.Sleep(time.Until(next))
		}
	}
}
