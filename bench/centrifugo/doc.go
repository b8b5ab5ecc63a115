// Package centrifugo holds Parley against Centrifugo's own Go libraries, unchanged: centrifuge-go, by which clients
// connect, and gocent, by which backends publish. It has nothing but tests.
package centrifugo
