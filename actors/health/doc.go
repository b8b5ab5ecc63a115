// Package health looks after a node: whether events get through it ([Probes]), whether one of its actors is stuck
// ([Watchdog]), and whether it uses too much memory ([Watermark], which then sheds load in stages).
//
// It sees the engine through two small interfaces, [Watched] and [Load], and knows neither topics nor connections.
// Whoever starts a watchdog or a watermark stops it.
package health
