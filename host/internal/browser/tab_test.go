package browser

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// inspect.js looks at a page as a reader with other eyes or another keyboard would.
//
//go:embed testdata/inspect.js
var inspect string

// tab is one page in a browser.
type tab struct {
	t    *testing.T
	ctx  context.Context
	url  string
	mu   sync.Mutex
	said []string // what the page wrote to the console: errors, refusals of the policy
}

// newTab starts a browser with a profile of its own.
func (w *world) newTab() *tab {
	w.t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if path, err = exec.LookPath("google-chrome"); err != nil {
			w.t.Fatal("these tests need Chromium: bash .ci/install chromium")
		}
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(w.t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("lang", "ru"),
		// Nothing but this machine exists for it.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	}
	allocator, release := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(allocator)
	w.t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits until the browser is gone: its profile is removed next
		end()
		release()
	})
	b := &tab{t: w.t, ctx: ctx, url: w.url}
	messages := chromedp.Console(ctx)
	b.do(chromedp.Navigate("about:blank"))
	go func() {
		for message, err := range messages {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.said = append(b.said, message.String())
			b.mu.Unlock()
		}
	}()
	b.size(1100, 800)
	return b
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v\n%.3000s", err, b.text())
	}
}

func (b *tab) size(width, height int64) { b.do(chromedp.EmulateViewport(width, height)) }

func (b *tab) open(path string) { b.t.Helper(); b.do(chromedp.Navigate(b.url + path)) }

func (b *tab) click(selector string) { b.t.Helper(); b.do(chromedp.Click(selector)) }

func (b *tab) fill(selector, value string) {
	b.t.Helper()
	b.do(chromedp.Clear(selector), chromedp.SendKeys(selector, value))
}

// signIn signs in with an address and a password, by the keyboard alone.
func (b *tab) signIn(email, password string) {
	b.t.Helper()
	b.open("/sign-in")
	b.see("Вход")
	b.do(chromedp.SendKeys("#email", email), chromedp.SendKeys("#password", password+"\r"))
}

// text is what a reader sees.
func (b *tab) text() string {
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return text
}

// see waits until the page shows a text.
func (b *tab) see(want string) {
	b.t.Helper()
	b.until(want, func(text string) bool { return strings.Contains(text, want) })
}

func (b *tab) until(what string, true func(text string) bool) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		text := b.text()
		if true(text) {
			return
		}
		if time.Now().After(deadline) {
			b.shot("never-" + strings.ReplaceAll(what, "/", "-"))
			b.t.Fatalf("never saw %q on\n%.3000s", what, text)
		}
	}
}

// address is the page's path.
func (b *tab) address() string {
	b.t.Helper()
	location, err := chromedp.Run(b.ctx, chromedp.Location())
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.TrimPrefix(location, b.url)
}

// scripts switches scripts on or off.
func (b *tab) scripts(on bool) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on}); err != nil {
		b.t.Fatal(err)
	}
}

// scheme chooses light or dark.
func (b *tab) scheme(name string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// inspect holds the page against what every page must be, in light and in dark.
func (b *tab) inspect(name string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](inspect))
		if err != nil {
			b.t.Fatal(err)
		}
		var problems []string
		if err := json.Unmarshal([]byte(found), &problems); err != nil {
			b.t.Fatal(err)
		}
		for _, problem := range problems {
			b.t.Errorf("%s (%s, %s): %s", name, b.address(), scheme, problem)
		}
		b.shot(name + "-" + scheme)
	}
	b.scheme("light")
}

// shot keeps a screenshot where somebody wants them.
func (b *tab) shot(name string) {
	folder := os.Getenv("BOOKING_SCREENSHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600)
	}
	if err != nil {
		b.t.Errorf("screenshot %s: %v", name, err)
	}
}

// quiet fails when a page had something to complain about.
func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, line := range b.said {
		// The browser notes every status above 399; some pages here mean theirs.
		if strings.Contains(line, "Failed to load resource: the server responded with a status of 4") {
			continue
		}
		b.t.Errorf("the console says: %s", line)
	}
}

func runButton(mode string) string {
	return fmt.Sprintf(`form[action="/settings/crm/runs"] input[value=%s] + button`, mode)
}
