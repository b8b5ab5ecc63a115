// Package drain tells many that they have to go, spread over some time, and waits for them.
//
// # What it promises
//
//  1. The steps are even by the clock, so a machine that is busy and misses some makes up for them.
//  2. [Over] ends when all are gone, or with its context.
//
// # What it does not know
//
// It does not know who they are, nor how they are told.
package drain
