# Reads "go test -v" and prints it for people: packages, and of tests only those that fail, with what they logged. At the end it
# names the tests that were skipped and why, and counts. Its exit status is that of go test, which the last line tells.

function named(line) { sub(/^[^:]*: */, "", line); sub(/^=== [A-Z]+ +/, "", line); sub(/ \([0-9.]+s\)$/, "", line); return line }
function out(line) { print line; fflush() }

/^=== (RUN|CONT|NAME|PAUSE) / { test = named($0); next }
/^ *--- PASS: / { passed++; next }
/^ *--- SKIP: / {
	name = named($0)
	reason = last[name]
	sub(/^ *[A-Za-z0-9_]+\.go:[0-9]+: /, "", reason)
	skips[++skipped] = name ": " reason
	next
}
/^ *--- FAIL: / { failed++; name = named($0); out($0); printf "%s", log_of[name]; fflush(); next }
/^ +/ && test != "" { last[test] = $0; log_of[test] = log_of[test] $0 "\n"; next }
/^go test ended with [0-9]+$/ { status = $NF; next }
/^PASS$/ { next }
/^(ok|FAIL|\?|---)[ \t]/ { test = ""; split("", last); split("", log_of) }
/\[no test files\]/ { next }
{ out($0) }

END {
	if (skipped > 0) out("")
	for (i = 1; i <= skipped; i++) out("skipped: " skips[i])
	out("")
	out("tests: " passed + 0 " passed, " failed + 0 " failed, " skipped + 0 " skipped")
	if (status == "") status = 2 # go test did not come to its end
	exit status
}
