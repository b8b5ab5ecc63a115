package conformance

// noStatus stands for a close frame without a code (RFC 6455 section 7.1.5).
const noStatus = 1005

// Close codes that answer a violation.
var (
	protocolError = []int{1002}
	badData       = []int{1007}
	tooBig        = []int{1009}
	// RFC 7692 names no code for data that does not inflate.
	badCompression = []int{1002, 1003, 1007, 1011}
)

// mayBeSent reports whether a close frame may carry code (RFC 6455 section 7.4 and the registry of IANA).
func mayBeSent(code int) bool {
	switch {
	case code >= 3000 && code <= 4999:
		return true
	case code < 1000 || code > 1014:
		return false
	}
	return code != 1004 && code != noStatus && code != 1006
}
