//go:build !unix

package websocket

import (
	"errors"
	"net"
	"syscall"
)

// Without non-blocking writes every socket has a slowWriter while it has something to write.

func rawConn(net.Conn) syscall.RawConn { return nil }

func fdOf(net.Conn) int32 { return 0 }

func tryWrite(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }

func canRead(uintptr) bool { return true }

func readNow(int, []byte) (int, error) { return 0, errors.ErrUnsupported }

func wouldBlock(error) bool { return false }

func fdLimit() int { return 1 << 20 }
