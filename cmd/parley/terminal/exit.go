package terminal

// The statuses with which a command ends. Wrong use of the command line is 80, by kong.
const (
	// Failed is for what was refused, has failed, or is not well.
	Failed = 1
	// Unreached is for what could not be asked or looked at.
	Unreached = 2
)

// Exit is an error that says with which status the process ends. Without an Err the command has said all.
type Exit struct {
	Status int
	Err    error
}

// Error implements error.
func (e *Exit) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

// Unwrap returns what is wrong.
func (e *Exit) Unwrap() error { return e.Err }
