// Package centrifugo makes the calls of Centrifugo's server API, so that backends which publish through it publish to
// Parley unchanged. A channel is the topic of the same name. A publication is an event of the kind json, or value if
// it is no object: so the clients of all protocols hear it that have words for such events.
//
// It promises that each command gets one reply, a result or an error with Centrifugo's code, and that a list of
// commands has a bound. The caller knows whose tenant it is, and has bounded the body.
//
// It does not know HTTP or keys. Calls that Parley has no counterpart for (subscribe, unsubscribe, refresh,
// history_remove) are told to be no methods.
package centrifugo
