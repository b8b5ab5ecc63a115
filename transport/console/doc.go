// Package console is the web console: pages for operators that show what the server does and change a little of it, and
// in dev mode a playground of its protocols. The pages are in web, their built files in dist; both are embedded source.
//
// It promises:
//
//  1. Nothing is pushed, and nothing costs when nobody looks but one look at the node's totals a second, for its
//     history of figures. A browser asks once a second for a snapshot, which all browsers share.
//  2. Tables come by pages, with the server's own filters: they are the HTTP API's calls, for a tenant that the path
//     names. The console knows no second way to look at the engine.
//  3. The admin key opens everything, the viewer key what changes nothing. A key is shown once, for a cookie that no
//     script can read and no other site can use; sessions are bounded in number and time, and end with the process.
//  4. Each action is one line in the log: who, from where, what, and how it ended. No key and no body is in it.
//  5. Its pages load nothing from elsewhere and have no inline script or style (Content-Security-Policy).
//
// In dev mode everybody is an operator who comes by a name of loopback: the keys are public there anyway, and a page
// elsewhere that a browser shows under another name (DNS rebinding) gets nothing.
//
// It asks its owner to call Record, to put Handler before what else the internal address serves, and for the parts in
// Config. It does not know sockets, tokens, or where settings come from.
package console
