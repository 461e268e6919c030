package endtoend

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// As a new author would: the README's chapter and nothing else, in an empty folder
// outside the tree. Its program is built and its commands are run as they stand there.
func TestTheReadmesPluginFromNothingToAFirstSync(t *testing.T) {
	t.Parallel()
	checkout, err := filepath.Abs("../../..")
	must(t, err)
	readme, err := os.ReadFile(filepath.Join(checkout, "README.md"))
	must(t, err)
	_, chapter, found := strings.Cut(string(readme), "## Write a plugin for your CRM\n")
	if !found {
		t.Fatal("README.md has no such chapter")
	}
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	dir, err := os.MkdirTemp("", "author-") // short: the private database's socket lies below it
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	must(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(block(t, chapter, "go")), 0o644))

	// A module of its own looks at the whole graph, of which a build here needs a part only:
	// on a fresh machine the rest has not come yet.
	graph := exec.CommandContext(t.Context(), "go", "mod", "graph")
	graph.Dir = checkout
	if out, err := graph.CombinedOutput(); err != nil {
		t.Fatalf("fetch the graph of modules: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", block(t, chapter, "bash"))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "BOOKING="+checkout, "PATH="+built.dir+":"+os.Getenv("PATH"), "CGO_ENABLED=0", "BOOKING_LOCALE=en",
		"GOPROXY=off", "GOSUMDB=off") // what the module needs is here already, and was checked when it came
	stdout, stderr, code, err := runToEnd(cmd)
	must(t, err)
	collected.add(t.Name(), stdout+stderr)
	if code != 0 {
		t.Fatalf("exit status %d\n%s\n%s", code, stdout, stderr)
	}
	for _, want := range []string{"✅ run_again: ", " 0 failed, ", "created 2"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the output lacks %q:\n%s", want, stdout)
		}
	}
}

// block is the first fenced block of a language.
func block(t *testing.T, text, language string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, "```"+language+"\n")
	code, _, closed := strings.Cut(rest, "```\n")
	if !found || !closed {
		t.Fatalf("the chapter has no block of %s", language)
	}
	return code
}
