package endtoend

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// formerRelease is the commit of the release before this one, which works beside it
// while hosts are brought up one after the other.
const formerRelease = "16144e7"

// former are its programs, built from this repository when a test first wants them.
var former = sync.OnceValues(func() (programs, error) {
	dir := filepath.Join(filepath.Dir(built.dir), "former")
	source := filepath.Join(dir, "source")
	if err := os.MkdirAll(source, 0o755); err != nil {
		return programs{}, err
	}
	top, err := exec.Command("git", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		return programs{}, fmt.Errorf("the former release comes from the repository's history, and this is no git checkout: %w", err)
	}
	repository := strings.TrimSpace(string(top))
	if exec.Command("git", "-C", repository, "cat-file", "-e", formerRelease+"^{commit}").Run() != nil {
		return programs{}, fmt.Errorf("the former release, commit %s, is not in this checkout: fetch it (git fetch --unshallow; in a CI a clone of full depth)", formerRelease)
	}
	archive := exec.Command("git", "-C", repository, "archive", formerRelease)
	unpack := exec.Command("tar", "-x", "-C", source)
	var said bytes.Buffer
	archive.Stderr, unpack.Stderr = &said, &said
	if unpack.Stdin, err = archive.StdoutPipe(); err != nil {
		return programs{}, err
	}
	if err := archive.Start(); err != nil {
		return programs{}, err
	}
	if err := unpack.Run(); err != nil {
		return programs{}, fmt.Errorf("unpack the former release: %w\n%s", err, &said)
	}
	if err := archive.Wait(); err != nil {
		return programs{}, fmt.Errorf("read the former release: %w\n%s", err, &said)
	}
	return build(source, dir)
})

// former is this installation as the former release has it on a machine of its own: one
// database and one key, another data directory and other plugins.
func (w *world) former() *world {
	w.t.Helper()
	old, err := former()
	must(w.t, err)
	dir := filepath.Join(w.dir, "former")
	must(w.t, os.Mkdir(dir, 0o755))
	must(w.t, os.Mkdir(filepath.Join(dir, "secret"), 0o700))
	env := maps.Clone(w.env)
	env["PATH"] = old.dir + ":" + os.Getenv("PATH")
	env["BOOKING_SECRET_KEY_FILE"] = filepath.Join(w.env["BOOKING_DATA_DIR"], "secret.key")
	env["BOOKING_DATA_DIR"], env["BOOKING_LOG_FILE"] = filepath.Join(dir, "data"), filepath.Join(dir, "host.log")
	w.t.Cleanup(func() { collected.addFolder(w.t.Name(), dir) })
	return &world{t: w.t, dir: dir, db: w.db, dsn: w.dsn, narrow: w.narrow, programs: old, env: env}
}
