// Package valtronics is the wire protocol of Valtronics: devices, their telemetry, alerts and status, for browsers and
// Python scripts. It serves clients written to its document; what the transcripts say is what they get.
//
// The document leaves this open, and it is decided thus:
//
//   - Nothing is said before the client speaks, since the documented clients take the first frame for the answer to
//     their `auth`. One that does not authenticate in time (14 s) gets a failed auth_response and close code 1008.
//   - A ping is always answered, also before `auth`: its timestamp comes back, beside server_time. Everything else
//     before `auth` is answered with error "unauthorized". Messages right behind an `auth`, which do not wait for the
//     answer, are done after it.
//   - A failed `auth` leaves the connection open, so that the client can read the answer, refresh its token and try
//     again; the fifth failure in a row closes. Any token that does not hold is error "invalid_token", an expired one
//     too, because that is the word on which the documented clients refresh. A connection over a limit is closed.
//   - The token is in the `auth` frame and nowhere else; one in the query or a header is not looked at. A frame with a
//     member twice, token too, is no message: which one counts differs from reader to reader.
//   - A second `auth` refreshes the identity and keeps the subscriptions; if it fails, the old identity stays as long
//     as its own token holds. A token that expires is error "token_expired", then close 1008.
//   - Options of a subscription may stand at the top (the JavaScript class) or under "filters" (the Python class). If
//     the same option stands at both, that under "filters" wins; null is as good as absent there.
//   - device_id is an integer, a string or a list of them; 1 and "1" are the same device. severity, alert_type,
//     status_types and metrics are one value or a list. An absent or empty one wants everything.
//   - status_types goes by new_status. alert_type goes by the member alert_type of the event or of its metadata, and
//     comes last in the message if the event has it at the top. metrics trims the message to those metrics; if none is
//     left, nothing is sent. Options that a channel does not have are ignored.
//   - frequency is "real-time" (or absent: every event), a number with ms, s, m or h, or a plain number of seconds,
//     from 10ms to 24h. In between, the latest value of each device and metric wins.
//   - Each device is a subscription of its own, and they add up. Subscribing again to the same device, or again to the
//     whole channel, replaces the options. `unsubscribe` without device ends everything in the channel, as both
//     documented classes expect; with devices it ends those. However many subscriptions match, an event comes once.
//   - A subscription is not acknowledged: none is documented, and the documented clients print "Unknown message type"
//     for it. A client that must know sends a ping behind it: its pong comes after the subscription holds, or after its
//     error.
//   - Errors are always said: {"type":"error","error":<reason>,"message":...}, with "channel" where it is about one,
//     "index" where it is about an item of a batch, and "retry_after" in seconds where waiting helps.
//   - The 1 KB limit is 1024 bytes of one message, and above it there is an error, not an end; an `auth` may be as
//     large as a token may be, since those of common issuers have more than 1 KB. In a batch it holds for each item,
//     while the frame may have 64 KiB: ten subscriptions, the documented batcher's default, are more than 1 KB. A batch
//     counts as its items against the messages per second.
//   - /ws/telemetry, /ws/alerts, /ws/system and /ws/devices speak the same protocol; their channel is subscribed to
//     right after the first `auth`, since the documented JavaScript class loses a subscription that it makes before the
//     socket is open.
//   - Error reports of clients (type "error" or "error_report") are handed on and not answered.
//   - Binary frames get an error, no close: the document speaks of binary messages and does not define one.
//   - Nothing that a client sent comes back to it except a plain timestamp and plain words; < and > never do.
//
// Beyond the document: a `message` comes as an alert about no device (device_id null). Its alert_id is the event's id,
// its severity critical, warning or info for the levels error, warning and the rest, its title the message's own or
// else its text; level and tags are in the metadata. A `json` event with a member "type" that is a string is passed on
// unchanged; any other is wrapped as {"type":"json","data":...}, since every message of this protocol has a type. The
// kinds `value` and `named` are {"type":"value","data":...} and {"type":"named","event":...,"data":...}.
//
// It does not know sockets, token formats, or who counts connections: Limits says the limits, and the engine keeps
// them.
package valtronics
