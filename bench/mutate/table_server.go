package main

// ofServer break what the process promises: its log, its hosts, its files.
var ofServer = []mutation{
	{file: "cmd/parley/logline/logline.go", proves: "check 61",
		from: "unicode.In(r, unicode.Cf, unicode.Zl,", to: "unicode.In(r, unicode.Zl,",
		tests: "TestLog_Hostile|FuzzClean"},
	{file: "cmd/parley/logline/logline.go", proves: "check 18",
		from: "if strings.Contains(text, \"eyJ\") {", to: "if strings.HasPrefix(text, \"eyJ\") {",
		tests: "TestLog_|FuzzClean"},
	{file: "cmd/parley/journal/journal.go", proves: "F16",
		from: "uint32(sum) == crc32.Checksum(record, castagnoli)", to: "sum != 0", tests: "TestFile_|FuzzFile"},
	{file: "cmd/parley/journal/journal.go", proves: "F16",
		from: "if string(first) != header {", to: "if len(first) == 0 {", tests: "TestOpen_TouchesNoFile"},
	{file: "cmd/parley/config/secret.go", proves: "F23",
		from: "if secret != \"\" && (stray(first) || stray(last)) {",
		to:   "if secret != \"\" && stray(first) && stray(last) {", tests: "TestSecretFile_"},
	{file: "cmd/parley/server/hosts.go", proves: "tenants apart",
		from: "return config.CanonicalHost(r.Host)", to: "return config.CanonicalHost(\"\")",
		tests: "TestTenants_AreToldApart|TestHosts_"},
	{file: "cmd/parley/server/hosts.go", proves: "a shared host is the lobby's",
		from: "if before == \"\" || before == tenant {", to: "if before == \"\" || before != tenant {",
		tests: "TestTenants_"},
	{file: "cmd/parley/feed/system.go", proves: "R001.38",
		from: "const SystemEvery = 5 * time.Second", to: "const SystemEvery = 7 * time.Second", tests: "TestSystem_"},
}
