//go:build !unix

package websocket

import (
	"errors"
	"net"
	"syscall"
)

// Without non-blocking writes every socket is written by a goroutine while it has something to write.

func rawConn(net.Conn) syscall.RawConn { return nil }

func descriptor(net.Conn) int32 { return 0 }

func writeNow(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }

func readable(uintptr) bool { return true }

func wouldBlock(error) bool { return false }

func descriptors() int { return 1 << 20 }
