package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Set by the linker; see the Makefile.
var (
	version = "dev"
	commit  = ""
)

type versionCommand struct{}

// Run prints who we are.
func (versionCommand) Run() error {
	fmt.Println("parley", version, commitOrBuild(), runtime.Version())
	return nil
}

// commitOrBuild is the linker's commit, or the one that go build noted.
func commitOrBuild() string {
	if commit != "" {
		return commit
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}
