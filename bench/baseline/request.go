package main

import (
	"bytes"
	"errors"
	"strconv"
)

// maxHead is how long a request may be before its body, in bytes.
const maxHead = 8 << 10

// request is what the server reads of an HTTP request. Its bytes are those that it was parsed from.
type request struct {
	method, path []byte
	key          []byte // Sec-WebSocket-Key
	body         []byte
	last         bool // nothing follows on this connection
}

var (
	errHead   = errors.New("431 Request Header Fields Too Large")
	errBody   = errors.New("413 Content Too Large")
	errLength = errors.New("411 Length Required")
	errBad    = errors.New("400 Bad Request")
)

// parse splits the first request off data. n == 0 says that it is not whole yet. The text of an error is the status to
// answer with before the connection is closed: errHead, errBody, errLength or errBad.
func parse(data []byte) (r request, n int, err error) {
	end := bytes.Index(data, []byte("\r\n\r\n"))
	if end < 0 && len(data) < maxHead {
		return request{}, 0, nil
	}
	if end < 0 || end > maxHead {
		return request{}, 0, errHead
	}
	line, fields, _ := bytes.Cut(data[:end], []byte("\r\n"))
	words := bytes.Split(line, []byte(" "))
	if len(words) != 3 || !bytes.Equal(words[2], []byte("HTTP/1.1")) {
		return request{}, 0, errBad
	}
	r.method, r.path = words[0], words[1]
	length, err := r.fields(fields)
	if err != nil {
		return request{}, 0, err
	}
	n = end + 4 + length
	if len(data) < n {
		return request{}, 0, nil
	}
	r.body = data[end+4 : n]
	return r, n, nil
}

// fields reads the header fields and returns the length of the body.
func (r *request) fields(data []byte) (length int, err error) {
	for line := range bytes.SplitSeq(data, []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil || length < 0 {
				return 0, errBad
			}
			if length > maxBody {
				return 0, errBody
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return 0, errLength
		case bytes.EqualFold(name, []byte("Sec-WebSocket-Key")):
			r.key = value
		case bytes.EqualFold(name, []byte("Connection")):
			r.last = bytes.EqualFold(value, []byte("close"))
		}
	}
	return length, nil
}
