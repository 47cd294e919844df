package main

import (
	"fmt"
	"runtime/debug"
)

// version describes the build: the version of the module, and the toolchain.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "fanfare (built without module support)"
	}
	return fmt.Sprintf("fanfare %s %s", info.Main.Version, info.GoVersion)
}
