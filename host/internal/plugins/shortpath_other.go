//go:build !linux

package plugins

// shortPath is the path: a data directory with a long name has no control socket
// here.
func shortPath(path string) (short string, done func(), err error) { return path, func() {}, nil }
