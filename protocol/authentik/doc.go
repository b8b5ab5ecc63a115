// Package authentik is the two wire protocols of authentik: that of its web pages (Page), which are shown notices,
// and that of its outposts (Outpost), which report their health and are told to reload. They share a document and
// nothing else, so they are two dialects. The transcripts say line by line what is on the wire.
//
// Of both: everything may lie below a prefix, as with AUTHENTIK_WEB__PATH. Refusals are HTTP 403 in the handshake.
// Frames that are no JSON, and binary ones, close with 1000, as the original's consumers do when they throw. A server
// that goes away closes with 1012.
//
// Decisions about the client:
//
//   - The cookie authentik_session says who it is: the session's own JWT or an opaque key. Without one the upgrade is
//     refused, as authentik does since 2025.10. Of several cookies of that name the last counts, as in
//     Django, also if it is empty or no session's; of several Cookie headers the first, as in Channels.
//   - A `message` has message_type, level, tags and message, in this order; tags is "" if there are none. A title is
//     left out, since the document has no place for it.
//   - A `json` event with a message_type is passed on byte by byte (session.authenticated, notification.new, refresh);
//     one that has none is not said, since pages throw on what they do not know.
//   - Messages for a user without a connection wait for the next one (Limits.Inbox), where the original keeps them for
//     the next page.
//   - It never has anything to say; valid JSON from it is ignored.
//
// Decisions about the outpost:
//
//   - The uuid in the path is lower case with dashes, with or without a slash behind it (2024.12.1 leaves it away). Any
//     other form is refused, and so is everything but an Authorization: Bearer (in any case) whose token is bound to
//     that outpost. Of several Authorization headers the last counts, as in the original, which makes a dictionary of
//     them.
//   - It is subscribed to outposts/<uuid> by itself, and hears nothing else; what is sent to users or to all is not for
//     it.
//   - Every frame except an ACK is answered by an ACK, unknown instructions as well. An ACK is answered by nothing.
//   - Every frame except an ACK keeps its instance alive for 15 s (Announce). An instance is told apart by
//     instance_uuid of the query, else by the first args.uuid that it says, else by the connection. Its data are the
//     args of the last HELLO that had any: some builds send empty ones after the first.
//   - args may be missing, null or empty. An instruction that is no whole number, or args that are no object, close
//     with 1000.
//   - `trigger_update` is instruction 2 with its args, {} if it has none. If args.type is "event.provider.specific" it
//     is instruction 3, if it is "event.session.end" 4, as authentik numbers these. A `json` event on the outpost's
//     topic that is an instruction with args already is passed on byte by byte; one that is not would be read as an
//     ACK, and is not said.
//   - Nothing else is ever said to it: a frame that is no JSON, or has args that are no object, makes the real one
//     reconnect.
//   - It does not read for up to 10 s after a trigger, so a peer must be allowed to be silent for longer than that.
//
// It does not know what a token or a session is, who keeps the instances, or what waits in an inbox.
package authentik
