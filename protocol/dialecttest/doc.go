// Package dialecttest is the form in which Parley writes down the truth about a wire: plain text, one transcript a
// file, played by the tests of a dialect against its sessions alone, and by a test of the whole node against sockets.
//
//	# R001.8, R001.9: a token in the first frame.
//	path /ws
//	C {"type":"auth","token":"${token:alice}"}
//	S {"type":"auth_response","success":true}
//	C {"type":"subscribe","channel":"alerts"}
//	publish {"event":{"kind":"alert","data":{"alert_id":1,"device_id":7,"severity":"low","title":"T","message":"!"}}}
//	S {"type":"alert","alert_id":1,"timestamp":"${timestamp}", ...}
//	silence
//
// A line is one step:
//
//	# TEXT           a comment; the numbers of requirements stand here
//	set KEY VALUE    a setting of the dialect, by its key in the configuration file; before the first path
//	header KEY VALUE a header of the next path
//	path PATH        a client connects; every later line is about it
//	as NAME          the lines that follow are about the client called NAME (the first is called "1")
//	refused STATUS   right after path: the upgrade was refused with this HTTP status
//	C TEXT           the client sends a text frame
//	B HEX            the client sends a binary frame
//	S PATTERN        the client gets this next
//	E CODE [REASON]  the client gets this close next
//	silence [TIME]   the client gets nothing for so long (default 100ms)
//	wait TIME        time passes
//	publish JSON     a backend publishes: the body of POST /api/v1/publish
//	leave            the client closes
//	repeat N STEP    the step N times
//
// A pattern is JSON that is compared by structure: members in any order, strings by what they say, numbers digit by
// digit (23.0 is not 23). "..." as the last member or element allows more of them. A string may be a placeholder:
// ${any}, ${string}, ${number}, ${timestamp} (ISO 8601 in UTC with Z), ${unix} (Unix seconds with a fraction), ${match
// REGEXP}.
//
// In what a client sends, in a path and in a header, ${token:USER}, ${expired:USER} and ${foreign:USER} (signed with
// another key) become tokens; behind the user may stand topics=a,b/* (default: all), publish=a (default: none),
// ttl=10s (default 1h), type=refresh, id=JTI, form=ticket (or cookie, outpost), for=WHAT it is bound to, known=no for a
// user that does not exist, and claim.NAME=VALUE, which is JSON without spaces or else a text. ${pad:N} becomes N
// letters. In a text frame, ${sign:TEXT} becomes what an app signs: its key, a colon, and the signature of TEXT, in
// which %XX is a byte and $NAME is what a group (?P<NAME>...) of ${match} caught last from this client.
//
// It promises that a transcript is played to its end or fails with file and line, that a client which gets more than
// its transcript tells fails it, and that a loader which finds no transcript fails.
//
// [Play] plays a transcript on a [Stage]. An [Engine] is the stage of a dialect's own tests: it does what commands ask,
// in the plainest way, and holds each of them against what protocol demands. It knows no sockets, no actors and no real
// time.
package dialecttest
