package plugins

import (
	"fmt"
	"os"
	"path/filepath"
)

// maxSocketPath is what sockaddr_un holds, without the NUL at its end.
const maxSocketPath = 107

// shortPath is a way to a socket that fits into sockaddr_un, whatever the data
// directory is called. It is good until done is called.
func shortPath(path string) (short string, done func(), err error) {
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path)), func() { dir.Close() }, nil
}
