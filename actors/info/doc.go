// Package info describes what a node has, as its read calls return it: snapshots of which nothing changes any more.
//
// It does not know the actors that fill them in.
package info
