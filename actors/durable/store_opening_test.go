package durable

import (
	"context"
	"errors"
	"io/fs"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/parley-realtime/parley/protocol"
)

// wrongDisk fails to make directories until a time.
type wrongDisk struct {
	*disk
	cause error
	until time.Time
}

func (d *wrongDisk) MkdirAll(dir string, mode fs.FileMode) error {
	if time.Now().Before(d.until) {
		return d.cause
	}
	return d.disk.MkdirAll(dir, mode)
}

// F10: an opening that finds no room says so, and goes on by itself when there is some.
func TestBegin_AFullDiskIsWaitedForAndNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{FS: vfs.NewMem(), size: 8 << 20}
		d.fill()
		o := Begin("data", Config{Files: d, Partitions: 2, Fatal: func(sentence string) { t.Error(sentence) }})
		wait, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if store, err := o.Wait(wait); store != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v %v", store, err)
		}
		if refusal := o.Refusal(); refusal.Reason != protocol.StorageFull || refusal.RetryAfter <= 0 {
			t.Errorf("%+v", refusal)
		}
		d.foreign.Store(0)
		began := time.Now()
		store, err := o.Wait(t.Context())
		if err != nil || time.Since(began) > 5*time.Second {
			t.Fatalf("%v after %s", err, time.Since(began))
		}
		untilTaken(t, func() error { return publishOne(t, topic(t, store, "room", keepAll), "first").Err })
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// F10: there may be no room for the directory itself.
func TestBegin_ADirectoryThatCannotBeMadeForLackOfRoomIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		d := &wrongDisk{&disk{FS: vfs.NewMem(), size: 8 << 20}, syscall.ENOSPC, began.Add(time.Hour)}
		o := Begin("data", Config{Files: d, Partitions: 1})
		time.Sleep(time.Minute)
		if refusal := o.Refusal(); refusal.Reason != protocol.StorageFull {
			t.Errorf("%+v", refusal)
		}
		store, err := o.Wait(t.Context())
		if err != nil || time.Since(began) > time.Hour+5*time.Second {
			t.Fatalf("%v after %s", err, time.Since(began))
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// F10: an error that room does not cure comes at once, and is not waited for.
func TestBegin_WhatRoomDoesNotCureIsAnErrorAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		d := &wrongDisk{&disk{FS: vfs.NewMem(), size: 8 << 20}, syscall.EACCES, began.Add(time.Hour)}
		_, err := Begin("data", Config{Files: d}).Wait(t.Context())
		if !errors.Is(err, syscall.EACCES) || time.Since(began) != 0 {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

// F10: an opening that was abandoned closes its store when it can.
func TestBegin_AnAbandonedOpeningClosesItsStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{FS: vfs.NewMem(), size: 8 << 20}
		d.fill()
		o := Begin("data", Config{Files: d, Partitions: 1})
		time.Sleep(time.Minute)
		o.Abandon()
		d.foreign.Store(0)
		time.Sleep(time.Minute)
		synctest.Wait() // the bubble ends only if nothing of the store is left
		again := open(t, "data", Config{Files: d, Partitions: 1})
		topic(t, again, "room", keepAll)
	})
}
