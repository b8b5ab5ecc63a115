// Package firstframe is a path on which several dialects answer, such as /ws of Valtronics and AirLay. Both let the
// client speak first, so its first text frame decides which of them the connection speaks from then on.
//
// It promises:
//
//   - Nothing is said before the client has spoken, and nothing that was not an answer to it.
//   - The candidates are asked in their order whether they recognise the frame, and the first that does gets the
//     connection, with that very frame: it loses nothing by coming through here.
//   - A frame that nobody recognises, or a binary one, is answered in the words of the default dialect, and decides
//     nothing. That dialect does nothing else about it.
//   - Until it is decided, each limit is the largest of the candidates', so that no protocol meets the figure of
//     another. Once decided, the limits are those of its dialect, the time to authenticate counted from then.
//   - A client whose frames have not decided within Config.Timeout is closed with 1008 auth_timeout, and gets
//     no frame before that, since its dialect is unknown. Frames that decide nothing do not stop that clock.
//
// The default is a setting because documents do not say who answers nonsense. It asks of a candidate that it has no
// credential in its handshake (one that wants one there is left out), and that it is the very dialect that the rest of
// the server knows by that name.
//
// [Claims] finds the paths that several dialects want, and [Alone] is a dialect that has such a path to itself at one
// address. The package does not know which dialects there are.
package firstframe
