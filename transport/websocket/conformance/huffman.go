package conformance

// huffman is a canonical code: how many codes there are of each length, and their symbols in order (RFC 1951 section
// 3.2.2).
type huffman struct {
	count   [16]int
	symbols []uint16
}

var (
	fixedLiterals, fixedDistances = fixedCodes()
	// lengthOrder is the order in which the lengths of the code of lengths come (RFC 1951 section 3.2.7).
	lengthOrder = [19]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
)

// newHuffman makes the code whose symbols have these lengths; 0 is a symbol that has none.
func newHuffman(lengths []byte) (h huffman, err error) {
	for _, n := range lengths {
		h.count[n]++
	}
	h.count[0] = 0
	var next [16]int
	left := 1
	for n := 1; n < 16; n++ {
		next[n] = next[n-1] + h.count[n-1]
		if left = left<<1 - h.count[n]; left < 0 {
			return h, errCode
		}
	}
	h.symbols = make([]uint16, len(lengths))
	for symbol, n := range lengths {
		if n > 0 {
			h.symbols[next[n]] = uint16(symbol)
			next[n]++
		}
	}
	return h, nil
}

func fixedCodes() (literals, distances huffman) {
	lengths := make([]byte, 288)
	for i := range lengths {
		lengths[i] = fixedLength(i)
	}
	literals, _ = newHuffman(lengths)
	five := make([]byte, 30)
	for i := range five {
		five[i] = 5
	}
	distances, _ = newHuffman(five)
	return literals, distances
}

// fixedLength is the length of a literal's fixed code (RFC 1951 section 3.2.6).
func fixedLength(symbol int) byte {
	switch {
	case symbol < 144:
		return 8
	case symbol < 256:
		return 9
	case symbol < 280:
		return 7
	}
	return 8
}

// symbol reads the next symbol of a code.
func (d *inflater) symbol(h *huffman) (int, error) {
	code, first, index := 0, 0, 0
	for n := 1; n < 16; n++ {
		bit, err := d.take(1)
		if err != nil {
			return 0, err
		}
		code |= bit
		if code < first+h.count[n] {
			return int(h.symbols[index+code-first]), nil
		}
		index += h.count[n]
		first = (first + h.count[n]) << 1
		code <<= 1
	}
	return 0, errCode
}

// tables reads the codes that a block brings with it (RFC 1951 section 3.2.7).
func (d *inflater) tables() (literals, distances huffman, err error) {
	head, err := d.take(14)
	if err != nil {
		return literals, distances, err
	}
	n, far, codes := head&31+257, head>>5&31+1, head>>10+4
	var ordered [19]byte
	for i := range codes {
		length, err := d.take(3)
		if err != nil {
			return literals, distances, err
		}
		ordered[lengthOrder[i]] = byte(length)
	}
	code, err := newHuffman(ordered[:])
	if err != nil {
		return literals, distances, err
	}
	lengths, err := d.lengths(&code, n+far)
	if err != nil {
		return literals, distances, err
	}
	if literals, err = newHuffman(lengths[:n]); err == nil {
		distances, err = newHuffman(lengths[n:])
	}
	return literals, distances, err
}

// lengths reads n lengths. Runs of equal lengths have a short form.
func (d *inflater) lengths(code *huffman, n int) ([]byte, error) {
	var all []byte
	for len(all) < n {
		symbol, err := d.symbol(code)
		if err != nil {
			return nil, err
		}
		if symbol < 16 {
			all = append(all, byte(symbol))
			continue
		}
		run := [3]struct{ bits, least int }{{2, 3}, {3, 3}, {7, 11}}[symbol-16]
		more, err := d.take(run.bits)
		if err != nil {
			return nil, err
		}
		var length byte
		if symbol == 16 {
			if len(all) == 0 {
				return nil, errCode
			}
			length = all[len(all)-1]
		}
		for range run.least + more {
			all = append(all, length)
		}
	}
	if len(all) > n {
		return nil, errCode
	}
	return all, nil
}
