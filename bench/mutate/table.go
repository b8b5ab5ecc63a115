package main

import "slices"

// table are the breaks, by the room whose line is broken. What a row proves is the requirement, the check or the fault
// that it breaks, or the promise in a word.
var table = slices.Concat(ofActors, ofDurable, ofProtocol, ofSockets, ofAuth, ofAPI, ofServer)
