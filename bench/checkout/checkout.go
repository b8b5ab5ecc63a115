// Package checkout is the working copy of the repository in which the commands of this module run.
//
// The commands belong to a module of their own, so that go -C bench run starts them in its folder; but the files that
// they read and write (bin/parley, bench/results), and the commands that they run (make build), are named from the root
// of the repository.
package checkout

import (
	"os"
	"path/filepath"
)

// Enter changes the working directory to the root of the repository: the nearest folder above, or the working directory
// itself, that holds this module. A command that runs in no checkout stays where it is.
func Enter() error {
	start, err := os.Getwd()
	if err != nil {
		return err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "bench", "go.mod")); err == nil {
			return os.Chdir(dir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}
