package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/parley-realtime/parley/bench/faults/checker"
	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// disk keeps durable topics on a file system of 8 MiB that somebody else fills up: publishes are refused with 503, and
// once there is room again they are taken without a restart; after a kill -9 every acknowledged event is there
// (check 54). It needs root to mount the file system.
func disk(r *scenario.Run) {
	small := filepath.Join(r.Dir, "small")
	r.Must(os.Mkdir(small, 0o700))
	if err := unix.Mount("tmpfs", small, "tmpfs", 0, "size=8m"); err != nil {
		r.Skip("a small file system cannot be mounted, which needs root: %v", err)
	}
	r.Cleanup(func() { _ = unix.Unmount(small, unix.MNT_DETACH) })
	durable(r, []int{54}, func(c server.Conditions) {
		c.Args = []string{"--data", filepath.Join(small, "data")}
		s := r.Serve(c)
		publisher := (&scenario.Publisher{Device: "durable-disk", Publishers: 2, Rate: 100, Pad: 1000,
			Stubborn: true}).Start(s)
		time.Sleep(time.Second)
		filler := filepath.Join(small, "filler")
		r.Must(fill(filler))
		refused, full := r.Await(r.Bound(10*time.Second),
			func() bool { return publisher.Responses(http.StatusServiceUnavailable) > 10 })
		r.Want(54, full, "on a full disk no publish was refused with 503")
		r.Must(os.Remove(filler))
		before := publisher.Acked()
		again, ok := r.Await(r.Bound(10*time.Second), func() bool { return publisher.Acked() > before+10 })
		r.Want(54, ok, "no publish was taken within 10 s of there being room again")
		s.Kill()
		publisher.Stop()
		r.Start(s)
		record, err := s.Record(publisher.Device)
		r.Must(err)
		r.Faultless(54, publisher.Topic(nil, record).Faults())
		r.Figure(54, "refused after %s, taken again after %s; %d acknowledged, %d refused with 503, %d not answered",
			ms(refused), ms(again), len(publisher.Acks), publisher.Refused[http.StatusServiceUnavailable],
			publisher.Refused[0])
	})
}

// fill writes a file until the disk is full.
func fill(file string) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	for _, size := range []int{1 << 20, 4 << 10} {
		for err == nil {
			_, err = out.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
		err = nil
	}
	return nil
}

// torn ends a server with durable topics, cuts the end off its newest file or flips a byte in it, and starts it again:
// it starts, says in its log what it dropped, serves nothing that was not published as it was, and keeps the older part
// in order (check 55).
func torn(r *scenario.Run) {
	durable(r, []int{55}, func(c server.Conditions) {
		rounds, lost := r.Size(20, 4), 0
		for round := range rounds {
			c.Args = []string{"--data", filepath.Join(r.Dir, fmt.Sprint("torn-", round))}
			lost += tear(r, c, round%2 == 0)
		}
		r.Figure(55, "%d damages: always started, dropped %d events and said so", rounds, lost)
	})
}

// tear damages one server's files and returns how many events are gone.
func tear(r *scenario.Run, c server.Conditions, cut bool) (lost int) {
	s := r.Serve(c)
	publisher := (&scenario.Publisher{Device: "durable-torn", Publishers: 2}).Start(s)
	r.Await(5*time.Second, func() bool { return publisher.Acked() > 500 })
	s.Kill()
	publisher.Stop()
	least := int64(4 << 10)
	if r.Random.IntN(4) == 0 {
		least = 1 // also what keeps the books, and is smaller than a log
	}
	file, err := newest(c.Args[1], least)
	r.Must(err)
	what, err := damage(r, file, cut)
	r.Must(err)
	r.Start(s)
	record, err := s.Record(publisher.Device)
	r.Want(55, err == nil || server.Status(err) == http.StatusNotFound, "%s: reading the history gave %v", what, err)
	if err == nil {
		r.Want(55, len(record.Events) > 0 && record.Events[0].Offset == 1, "%s: the older part is gone, too", what)
		for _, f := range publisher.Topic(nil, record).Faults() {
			if f.Kind != checker.Loss {
				r.Want(55, false, "%s: %s", what, f)
			}
		}
		lost = max(0, len(publisher.Acks)-len(record.Events))
	}
	if lost > 0 {
		last := publisher.Acks[len(publisher.Acks)-1]
		_, err = s.After(publisher.Device, last.Epoch, last.Offset)
		r.Want(55, server.Status(err) == http.StatusConflict,
			"%s: %d events are gone, and resuming behind them gave %v, not 409", what, lost, err)
	}
	r.Want(55, lost == 0 || s.Complained(), "%s: %d events are gone, and the log says nothing; it said %s", what, lost,
		s.Said())
	r.Note("%s: %d of %d events are gone", what, lost, len(publisher.Acks))
	s.Stop()
	return lost
}

// newest is the file below a folder that was written last and has at least so many bytes.
func newest(dir string, least int64) (file string, err error) {
	var latest time.Time
	err = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Size() >= least && !info.ModTime().Before(latest) {
			file, latest = path, info.ModTime()
		}
		return err
	})
	if err == nil && file == "" {
		err = fmt.Errorf("there is no file of %d bytes in %s", least, dir)
	}
	return file, err
}

// damage cuts up to half of a file off, or flips a byte of it.
func damage(r *scenario.Run, file string, cut bool) (what string, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	name := filepath.Base(file)
	at := r.Random.Int64N(info.Size())
	if cut {
		at = info.Size() - 1 - at/2
		return fmt.Sprintf("%s cut from %d to %d bytes", name, info.Size(), at), os.Truncate(file, at)
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var b [1]byte
	if _, err = f.ReadAt(b[:], at); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	b[0] ^= 1 << r.Random.IntN(8)
	_, err = f.WriteAt(b[:], at)
	return fmt.Sprintf("%s flipped at %d of %d bytes", name, at, info.Size()), err
}
