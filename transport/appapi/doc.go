// Package appapi is the HTTP API of Pusher Channels, below /apps/{id}/, by which the backend of an app publishes events
// and asks who is there. Its server libraries call it as they are.
//
// It promises:
//
//  1. Each request is signed with the app's secret, and the signature is checked before the body is read. A request
//     that is older than 10 minutes, or whose body is another one, is refused with 401 and a word why.
//  2. An event is published as one of the kind named, to the topic of each channel; to #server-to-user-ID it is one to
//     that user. A request is checked as a whole before anything of it is published.
//  3. An error is JSON with a member error. An unknown app is 404, a limit of the engine 429 or 503.
//
// It does not know secrets, nor who is connected by which dialect.
package appapi
