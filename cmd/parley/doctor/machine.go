package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	leastDescriptors = 65536
	leastSomaxconn   = 4096
	leastTCPMemory   = 128 << 20 // bytes
	longestSync      = 20 * time.Millisecond
	shareOfCgroup    = 95 // percent; the kernel's memory for sockets counts, too
)

var descriptors = check{
	name: "descriptors", what: "files that a process may have open; each connection takes one",
	wanted: fmt.Sprintf("%d or more", leastDescriptors),
	fix:    "ulimit -n 1048576, or LimitNOFILE=1048576 in the unit of systemd",
	look: func(_ context.Context, s *Setup) outcome {
		for line := range strings.Lines(s.read("proc/self/limits")) {
			if rest, ok := strings.CutPrefix(line, "Max open files"); ok && len(strings.Fields(rest)) > 0 {
				soft := strings.Fields(rest)[0]
				n, err := strconv.Atoi(soft)
				return judge(soft == "unlimited" || err == nil && n >= leastDescriptors, soft)
			}
		}
		return unknown("/proc/self/limits does not tell")
	},
}

var somaxconn = check{
	name: "somaxconn", what: "connections that may wait to be accepted; of more, clients wait a second and longer",
	wanted: fmt.Sprintf("%d or more", leastSomaxconn),
	fix:    "sysctl -w net.core.somaxconn=4096 (and a file in /etc/sysctl.d)",
	look: func(_ context.Context, s *Setup) outcome {
		n, err := strconv.Atoi(strings.TrimSpace(s.read("proc/sys/net/core/somaxconn")))
		if err != nil {
			return unknown("/proc/sys/net/core/somaxconn does not tell")
		}
		return judge(n >= leastSomaxconn, strconv.Itoa(n))
	},
}

var tcpMemory = check{
	name: "tcp_mem", what: "memory for all TCP sockets together; beyond it the kernel drops what arrives",
	wanted: fmt.Sprintf("%d MiB or more, and less than its second value in use", leastTCPMemory>>20),
	fix:    "sysctl -w net.ipv4.tcp_mem='196608 262144 393216' (pages of 4 KiB), or more memory",
	look: func(_ context.Context, s *Setup) outcome {
		limits := strings.Fields(s.read("proc/sys/net/ipv4/tcp_mem"))
		if len(limits) != 3 {
			return unknown("/proc/sys/net/ipv4/tcp_mem does not tell")
		}
		pressure, _ := strconv.ParseInt(limits[1], 10, 64)
		most, _ := strconv.ParseInt(limits[2], 10, 64)
		used, page := s.tcpPages(), int64(os.Getpagesize())
		return judge(most*page >= leastTCPMemory && used < pressure,
			fmt.Sprintf("%d MiB, of which %d are in use", most*page>>20, used*page>>20))
	},
}

// tcpPages are the pages that TCP uses now, 0 if the kernel does not tell.
func (s *Setup) tcpPages() int64 {
	for line := range strings.Lines(s.read("proc/net/sockstat")) {
		words := strings.Fields(line)
		if i := slices.Index(words, "mem"); i > 0 && words[0] == "TCP:" && i+1 < len(words) {
			n, _ := strconv.ParseInt(words[i+1], 10, 64)
			return n
		}
	}
	return 0
}

var fsync = check{
	name: "fsync", what: "time until the disk of the data directory has what was written (median of 9)",
	wanted: fmt.Sprintf("%s or less", longestSync),
	fix:    "--data on a disk of its own: a local SSD, no network file system",
	look: func(_ context.Context, s *Setup) outcome {
		if s.Data == "" {
			return skipped("no data directory: --data or --config names one")
		}
		sync := s.Sync
		if sync == nil {
			sync = syncOnce
		}
		var took []time.Duration
		for range 9 {
			one, err := sync(s.Data)
			if err != nil {
				return unknown(err.Error())
			}
			took = append(took, one)
		}
		slices.Sort(took)
		median := took[len(took)/2]
		return judge(median <= longestSync, median.Round(10*time.Microsecond).String())
	},
}

// syncOnce writes a page to the disk of a directory.
func syncOnce(dir string) (took time.Duration, err error) {
	f, err := os.CreateTemp(dir, ".doctor.*")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if _, err := f.Write(bytes.Repeat([]byte{1}, 4096)); err != nil {
		return 0, err
	}
	began := time.Now()
	err = f.Sync()
	return time.Since(began), err
}

var memoryLimit = check{
	name: "memory", what: "how much memory the server takes before it sheds load, beside what the cgroup lets it have",
	wanted: fmt.Sprintf("%d %% of the cgroup's or less, so that the kernel does not kill it first", shareOfCgroup),
	fix:    "memory.limit: 0, which is 90 % of the cgroup's; or MemoryMax= of the unit, resources.limits of the pod",
	look: func(_ context.Context, s *Setup) outcome {
		if s.MemoryLimit == nil {
			return skipped("no limit is known")
		}
		limit, from := s.MemoryLimit()
		cgroup := s.cgroupLimit()
		if cgroup == 0 {
			return skipped(fmt.Sprintf("%d MiB by %s; no cgroup limits this process", limit>>20, from))
		}
		return judge(limit > 0 && limit <= cgroup/100*shareOfCgroup,
			fmt.Sprintf("%d MiB by %s, in a cgroup of %d MiB", limit>>20, from, cgroup>>20))
	},
}

// cgroupLimit is the least limit of the process's cgroup and of those above it, in bytes; 0 if there is none.
func (s *Setup) cgroupLimit() (least int64) {
	for line := range strings.Lines(s.read("proc/self/cgroup")) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		base, name := "sys/fs/cgroup", "memory.max"
		if strings.Contains(parts[1], "memory") { // version 1
			base, name = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		} else if parts[0] != "0" {
			continue
		}
		for at := path.Clean("/" + parts[2]); ; at = path.Dir(at) {
			n, err := strconv.ParseInt(strings.TrimSpace(s.read(path.Join(base, at, name))), 10, 64)
			if err == nil && n < 1<<60 && (least == 0 || n < least) { // version 1 says "none" by a huge number
				least = n
			}
			if at == "/" {
				break
			}
		}
	}
	return least
}

// read is the content of a file of the kernel, "" if it cannot be read.
func (s *Setup) read(name string) string {
	content, err := os.ReadFile(filepath.Join(s.Root, name))
	if err != nil {
		return ""
	}
	return string(content)
}
