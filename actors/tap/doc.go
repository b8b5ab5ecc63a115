// Package tap queues the frames of a connection, of a user's connections or of a topic while they pass, for operators.
//
// While nobody taps, a frame costs one look at a pointer. While somebody does, a frame is queued without a copy, and
// nothing waits: a tap whose queue is full drops the frame and counts it. Queues are bounded in frames and bytes, taps
// in number.
//
// Frames are as they passed, with their secrets: only package transport/tap may show them. The package knows no actor.
// It does not see close frames and the pings of clients, which never pass through the engine as frames.
package tap
