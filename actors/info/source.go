package info

// Source is the connection that a frame comes from or goes to.
type Source struct {
	Connection, User, Dialect string
	LoggedIn                  bool // its identity is known
}
