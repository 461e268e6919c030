package browser

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// focus is what has it.
type focus struct {
	HTML string
	// Place is its place among everything that can be operated, -1 for anything else.
	Place int
	// Seen: there is a mark around it, and it is in the window.
	Marked, Seen bool
}

// whereIsFocus tells what has the focus and what could have it.
const whereIsFocus = `(() => {
	const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")].filter((e) => e.checkVisibility() && !e.disabled);
	const el = document.activeElement || document.documentElement, style = getComputedStyle(el), box = el.getBoundingClientRect();
	return JSON.stringify({HTML: el.outerHTML.slice(0, 160), Place: all.indexOf(el), All: all.length,
		Marked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2, Seen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth});
})()`

func (b *tab) focused() (f focus, all int) {
	b.t.Helper()
	said, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](whereIsFocus))
	var read struct {
		focus
		All int
	}
	if err == nil {
		err = json.Unmarshal([]byte(said), &read)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return read.focus, read.All
}

// press presses keys, as a person without a mouse does.
func (b *tab) press(keys string) { b.t.Helper(); b.do(chromedp.KeyEvent(keys)) }

// tabTo presses Tab until something whose HTML contains a text has the focus.
func (b *tab) tabTo(part string) {
	b.t.Helper()
	b.loaded()
	for range 150 {
		b.press(kb.Tab)
		if f, _ := b.focused(); strings.Contains(f.HTML, part) {
			return
		}
	}
	b.t.Fatalf("Tab never comes to %s", part)
}

// From the sign-in to a finished sync without a mouse; and on every kind of page Tab comes
// to everything that can be operated, in the order of the page, and one sees where it is.
func TestEverythingIsDoneFromTheKeyboard(t *testing.T) {
	w := newWorld(t, "--people", "70", "--oddities", "0.3")
	b := w.newTab()
	b.signIn(adminEmail, password)
	b.see("Три шага до первого предпросмотра")
	b.press(kb.Tab)
	if f, _ := b.focused(); !strings.Contains(f.HTML, `href="#main"`) || !f.Seen {
		t.Errorf("the first stop is %+v, not the way to the content", f)
	}
	b.press(kb.Enter)
	b.tabTo(`id="field-webhook_url"`)
	b.press(w.webhook)
	b.tabTo(`value="check"`)
	b.press(kb.Enter)
	b.see("Активных сотрудников:")
	b.loaded()
	if f, _ := b.focused(); !strings.Contains(f.HTML, `aria-labelledby="findings"`) {
		t.Errorf("after the check the focus is at %+v, not at what was found", f)
	}
	b.tabTo(">Предпросмотр</button>")
	b.press(kb.Enter)
	b.see("Это предпросмотр: ничего не записано")
	b.tabTo("Применить ровно это")
	b.press(kb.Enter)
	b.eventually("the sync after the preview", func() bool { return b.address() == "/runs/2" })
	b.see("Прочитано")
	run := b.address()
	b.tabTo(`action=conflict`)
	b.press(kb.Enter)
	b.see("оставьте его одному")
	b.tabTo(`href="/people/`)
	b.press(kb.Enter)
	b.see("Что было и почему")

	for _, path := range []string{"/settings/crm", run, "/people", "/people/new", "/runs", "/settings/tokens", "/settings/events", "/settings/crm/choices/departments", "/account", "/audit"} {
		b.open(path)
		b.walk(path)
	}
	b.quiet()
}

// walk presses Tab through a page.
func (b *tab) walk(path string) {
	b.t.Helper()
	_, all := b.focused()
	for last, pressed := -1, 0; last < all-1; pressed++ {
		b.press(kb.Tab)
		f, _ := b.focused()
		if f.Place == last && pressed < all+10 {
			continue // the hours and the minutes of a time are stops of their own
		}
		if f.Place != last+1 {
			b.t.Errorf("%s: after stop %d of %d Tab comes to %d: %s", path, last, all, f.Place, f.HTML)
			return
		}
		if !f.Marked || !f.Seen {
			b.t.Errorf("%s: nobody sees that the focus is at %s (marked %v, in the window %v)", path, f.HTML, f.Marked, f.Seen)
		}
		last = f.Place
	}
}

// Who wants nothing to move sees nothing move, and no page moves anything else either.
func TestNothingMovesForWhoeverWantsThat(t *testing.T) {
	w := newWorld(t)
	w.call(w.webhook, "crm", "connect", "--tenant", "1", "--plugin", pluginName, "--secret", "webhook_url")
	b := w.newTab()
	b.media("prefers-reduced-motion", "reduce")
	b.signIn(adminEmail, password)
	b.see("синхронизаций ещё не было")
	b.still("/settings/crm")
	w.change("POST", "faults", "hang,times=1")
	b.click(runButton("apply"))
	b.see("Читаем сотрудников из портала")
	// The bar of a run that cannot say how far it is would move by itself.
	bar, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`getComputedStyle(document.querySelector("progress:indeterminate")).appearance`))
	if err != nil || bar != "none" {
		t.Errorf("the bar is the browser's own: %q (%v)", bar, err)
	}
	b.still("a run")
	b.stop("1")
	b.still("a run that is over")
	b.quiet()
}

// still holds the page against what moves.
func (b *tab) still(name string) {
	b.t.Helper()
	moving, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll("*")].filter((e) => {
		const s = getComputedStyle(e);
		return s.animationName !== "none" || s.transitionDuration !== "0s" || s.scrollBehavior !== "auto";
	}).map((e) => e.outerHTML.slice(0, 100)).concat(document.getAnimations().map((a) => String(a)))`))
	if err != nil || len(moving) != 0 {
		b.t.Errorf("%s: %q moves (%v)", name, moving, err)
	}
}
