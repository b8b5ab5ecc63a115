package main

import "slices"

// table are the breaks, by the package whose line is broken. The field proves names the requirement, the check or the
// fault that the row breaks, or the promise in a word.
var table = slices.Concat(ofActors, ofDurable, ofProtocol, ofSockets, ofAuth, ofAPI, ofServer)
