package main

import (
	"bytes"
	"compress/flate"
	"fmt"
	"time"

	"github.com/parley-realtime/parley/bench/faults/client"
	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// claim lets 5,000 clients announce the largest message that there may be and then say nothing: memory rises by less
// than a quarter of what was announced, and they are closed within 30 s (check 43).
func claim(r *scenario.Run) {
	const limit = 64 << 10 // what Valtronics takes in a frame
	count := r.Size(5000, 300)
	var env []string
	if r.Short {
		env = []string{"PARLEY_WEBSOCKET_MESSAGE_TIMEOUT=3s"}
	}
	s := r.Serve(server.Conditions{Env: env})
	group, err := client.DialAll(s.Address, count,
		func(i int) client.Options { return client.Options{User: fmt.Sprint("claims-", i)} })
	r.Must(err)
	defer group.Close()
	group.Listen()
	time.Sleep(time.Second)
	before, err := s.Resident()
	r.Must(err)
	r.Must(s.Forget())
	began := time.Now()
	head := append(client.Header(client.Final|client.Text, limit), `{"type":`...)
	for _, c := range group.Clients {
		_, err := c.Write(head)
		r.Must(err)
	}
	closed := group.Wait(35 * time.Second)
	took := time.Since(began)
	alive(r, s)
	rise := figures(r, s).Peak - before
	r.Want(43, closed && took < 30*time.Second, "%d clients that never finish a message took %.1f s to be closed",
		count, took.Seconds())
	r.Want(43, rise < int64(count)*limit/4, "memory rose by %s", mib(rise))
	r.Figure(43, "%d clients announced 64 KiB each: memory +%s, all closed after %.1f s; close codes %v", count,
		mib(rise), took.Seconds(), group.Codes())
}

// bomb lets 100 clients send a compressed message of about 10 KiB that would be 10 MiB at once: all are closed, since
// it is too large, and memory rises by less than 100 MiB (check 44).
func bomb(r *scenario.Run) {
	const size = 10 << 20
	s := r.Serve(server.Conditions{})
	count := r.Size(100, 30)
	group, err := client.DialAll(s.Address, count, func(i int) client.Options {
		return client.Options{User: fmt.Sprint("bombs-", i), Offer: "permessage-deflate"}
	})
	r.Must(err)
	defer group.Close()
	group.Listen()
	before, err := s.Resident()
	r.Must(err)
	r.Must(s.Forget())
	packed := deflated(r, size)
	began := time.Now()
	for _, c := range group.Clients {
		// An error means that the server has had enough.
		_, _ = c.Write(client.Frame(client.Final|client.Compressed|client.Text, packed))
	}
	closed := group.Wait(20 * time.Second)
	alive(r, s)
	rise := figures(r, s).Peak - before
	group.Close()
	codes := group.Codes()
	r.Want(44, closed, "after 20 s not all of %d clients were closed", count)
	defused(r, count, codes, rise)
	r.Figure(44, "%d bombs of %d bytes that are %s: all closed after %.2f s, memory +%s; close codes %v", count,
		len(packed), mib(size), time.Since(began).Seconds(), mib(rise), codes)
}

// defused wants that the server refused each bomb as too large, which a server that does not decompress cannot.
func defused(r *scenario.Run, count int, codes map[int]int, rise int64) {
	r.Want(44, codes[1009] == count, "of %d bombs %d were refused as too large (1009); the codes are %v", count,
		codes[1009], codes)
	r.Want(44, rise < 100<<20, "memory rose by %s", mib(rise))
}

// deflated is a run of spaces as permessage-deflate sends it.
func deflated(r *scenario.Run, size int) []byte {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	r.Must(err)
	_, err = w.Write(bytes.Repeat([]byte{' '}, size))
	r.Must(err)
	r.Must(w.Flush())
	return bytes.TrimSuffix(out.Bytes(), []byte{0, 0, 0xff, 0xff})
}
