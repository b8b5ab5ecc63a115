package series

// ring keeps the newest samples.
type ring struct {
	samples []Sample
	times   []int64 // in Unix seconds, beside samples
	next    int     // where the next one goes
	count   int
}

func newRing(size int) ring { return ring{samples: make([]Sample, size), times: make([]int64, size)} }

func (r *ring) add(at int64, s Sample) {
	r.samples[r.next], r.times[r.next] = s, at
	r.next = (r.next + 1) % len(r.samples)
	r.count = min(r.count+1, len(r.samples))
}

// each calls do for each sample, oldest first.
func (r *ring) each(do func(at int64, s *Sample)) {
	for i := range r.count {
		at := (r.next - r.count + i + len(r.samples)) % len(r.samples)
		do(r.times[at], &r.samples[at])
	}
}
