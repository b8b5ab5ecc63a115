package main

// table are the breaks, by the package whose tests must notice.
var table = []mutation{
	{file: "transport/websocket/origin.go", from: "if o.scheme != \"https\" && (secure || o.scheme != \"http\") {", to: "if o.scheme != \"https\" && o.scheme != \"http\" {",
		tests: "TestOrigins|TestServer_AllowsOrigin", proves: "F28"},
	{file: "transport/websocket/origin.go", from: "return err == nil && own == o", to: "return err == nil && own.host == o.host",
		tests: "TestOrigins", proves: "F28"},
	{file: "transport/websocket/origin.go", from: "strings.HasSuffix(theirs.host, \".\"+b.host)", to: "strings.HasSuffix(theirs.host, b.host)",
		tests: "TestOrigins", proves: "F29"},
	{file: "transport/websocket/origin.go", from: "if o.all {", to: "if o.all && lines[0] != nullOrigin {",
		tests: "TestOrigins", proves: "F29"},
	{file: "transport/api/cors.go", from: "if len(origin) != 1 || !d.api.cfg.AllowsOrigin(x.r) {", to: "if len(origin) != 1 {",
		tests: "TestCORS", proves: "F31"},
	{file: "transport/api/route.go", from: "d.shared = d.shared || r.who == user", to: "d.shared = true",
		tests: "TestCORS", proves: "F31"},
	{file: "transport/api/engine.go", from: "count(out, missed, float64(now.Missed[reason]), string(reason))", to: "if now.Missed[reason] > 0 {\n\t\t\tcount(out, missed, float64(now.Missed[reason]), string(reason))\n\t\t}",
		tests: "TestMetrics", proves: "F38"},
}
