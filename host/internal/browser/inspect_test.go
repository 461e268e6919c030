package browser

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// inspect.js looks at a page as a reader with other eyes or another keyboard would.
//
//go:embed testdata/inspect.js
var inspect string

// watch.js is there before the page is: it notes whatever moves while it appears.
//
//go:embed testdata/watch.js
var watch string

// axe is axe-core, which .ci/install has brought.
var axe = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	script, err := os.ReadFile(filepath.Join(cache, "booking-host", "axe-core.min.js"))
	if err != nil {
		return "", fmt.Errorf("these tests need axe-core: bash .ci/install axe (%w)", err)
	}
	return string(script), nil
})

// widths are those of a phone, a screen and a wall.
var widths = []int64{320, 1100, wall}

// wall is a width at which a page differs from one on a screen by nothing else: its words
// and colours are looked at there.
const wall = 3840

// inspect holds the page against what every page must be, in light and in dark.
func (b *tab) inspect(name string) {
	b.t.Helper()
	if b.width == wall {
		b.hold(name, "light", nil)
		return
	}
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		var problems []string
		if !b.mute {
			problems = b.barriers(scheme)
		}
		b.hold(name, scheme, problems)
	}
	b.scheme("light")
}

// hold tells of these problems and of those of any page, and keeps a picture.
func (b *tab) hold(name, scheme string, problems []string) {
	b.t.Helper()
	problems = append(problems, b.look()...)
	if !b.mute {
		problems = append(problems, b.moved()...)
	}
	for _, problem := range problems {
		b.t.Errorf("%s (%s, %s): %s", name, b.address(), scheme, problem)
	}
	b.shot(name + "-" + scheme)
}

// inEveryForm inspects a page that is shown in Russian in both languages and all widths,
// and leaves it as it was.
func (b *tab) inEveryForm(name, path string) {
	b.t.Helper()
	for _, locale := range []string{"en", "ru"} {
		b.open(path)
		b.click("footer button")
		b.in(locale)
		for _, width := range widths {
			b.size(width, 900)
			b.open(path)
			b.inspect(fmt.Sprintf("%s-%s-%d", name, locale, width))
		}
	}
	b.size(1100, 800)
}

// look is what inspect.js has to say.
func (b *tab) look() (problems []string) {
	b.t.Helper()
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](inspect))
	if err == nil {
		err = json.Unmarshal([]byte(found), &problems)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return problems
}

// moved is what has moved in the page by itself, while it appeared and since.
func (b *tab) moved() (problems []string) {
	b.t.Helper()
	problems, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(window.shifts.splice(0)))))`, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := range problems {
		problems[i] = "moved by itself: " + problems[i]
	}
	return problems
}

// barriers is what axe-core finds. Between light and dark only colours change.
func (b *tab) barriers(scheme string) (problems []string) {
	b.t.Helper()
	script, err := axe()
	if err != nil {
		b.t.Fatal(err)
	}
	which := `{type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}`
	if scheme == "dark" {
		which = `{type: "rule", values: ["color-contrast"]}`
	}
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`(async () => {
		if (!window.axe) {`+script+`}
		const found = await axe.run(document, {runOnly: `+which+`, resultTypes: ["violations"]});
		return JSON.stringify(found.violations.map((v) => v.id + " (" + v.impact + "): " + v.help + ": " + v.nodes.map((n) => n.html.slice(0, 120)).join(" | ").slice(0, 400)));
	})()`, chromedp.EvalAwaitPromise))
	if err == nil {
		err = json.Unmarshal([]byte(found), &problems)
	}
	if err != nil {
		b.t.Fatalf("axe-core: %v", err)
	}
	return problems
}

// scheme chooses light or dark.
func (b *tab) scheme(name string) {
	b.t.Helper()
	b.media("prefers-color-scheme", name)
}

// media emulates a wish of the reader.
func (b *tab) media(feature, value string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// shot keeps a screenshot where somebody wants them.
func (b *tab) shot(name string) {
	folder := os.Getenv("BOOKING_SCREENSHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.MkdirAll(folder, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600)
	}
	if err != nil {
		b.t.Errorf("screenshot %s: %v", name, err)
	}
}
