package browser

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// tab is one page in a browser.
type tab struct {
	t     *testing.T
	ctx   context.Context
	url   string
	mu    sync.Mutex
	said  []string // what the page wrote to the console: errors, refusals of the policy
	mute  bool     // scripts are off
	width int64    // of the window
	// asked counts the questions whether to leave a page; all of them are answered yes.
	asked int
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
	dialogs := chromedp.Events(ctx, page.JavascriptDialogOpening)
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
	go func() {
		for _, err := range dialogs {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.asked++
			b.mu.Unlock()
			_, _ = chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
		}
	}()
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watch}); err != nil {
		w.t.Fatal(err)
	}
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

func (b *tab) size(width, height int64) {
	b.t.Helper()
	b.width = width
	b.do(chromedp.EmulateViewport(width, height))
}

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

// become signs somebody in (nobody: out) and chooses the language.
func (b *tab) become(email, locale string) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, network.ClearBrowserCookies, cdp.Empty{}); err != nil {
		b.t.Fatal(err)
	}
	b.open("/sign-in")
	if locale == "en" {
		b.click("footer button")
		b.in(locale)
	}
	if email != nobody {
		b.do(chromedp.SendKeys("#email", email), chromedp.SendKeys("#password", password+"\r"), chromedp.WaitVisible(`form[action="/sign-out"]`))
	}
}

// in holds the page against the language it is to be in.
func (b *tab) in(locale string) {
	b.t.Helper()
	b.do(chromedp.WaitReady(`html[lang="` + locale + `"]`))
}

// attribute is that of the first element found.
func (b *tab) attribute(selector, name string) string {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf(`(document.querySelector(%q) || {getAttribute: () => ""}).getAttribute(%q)`, selector, name)))
	if err != nil || value == "" {
		b.t.Fatalf("no %s of %s (%v)", name, selector, err)
	}
	return value
}

// zone is where the reader sits.
func (b *tab) zone(name string) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: name}); err != nil {
		b.t.Fatal(err)
	}
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
	b.eventually(what, func() bool { return true(b.text()) })
}

// eventually waits until something is so.
func (b *tab) eventually(what string, so func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.shot("never-" + strings.ReplaceAll(what, "/", "-"))
			b.t.Fatalf("never saw %q on\n%.3000s", what, b.text())
		}
	}
}

// questions is how often the browser has asked since the last time.
func (b *tab) questions() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	asked := b.asked
	b.asked = 0
	return asked
}

// loaded waits until the page is there with its script: what has the focus stays so.
func (b *tab) loaded() {
	b.t.Helper()
	b.eventually("the whole page", func() bool {
		state, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.readyState`))
		return err == nil && state == "complete"
	})
}

// value is what an input holds.
func (b *tab) value(selector string) string {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q).value`, selector)))
	if err != nil {
		b.t.Fatal(err)
	}
	return value
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
	b.mute = !on
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on}); err != nil {
		b.t.Fatal(err)
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
		if strings.HasPrefix(line, "info: ") { // no complaint
			continue
		}
		b.t.Errorf("the console says: %s", line)
	}
}

func runButton(mode string) string {
	return fmt.Sprintf(`form[action="/settings/crm/runs"] input[value=%s] + button`, mode)
}
