package browser

import (
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// box is the check box of a department of the simulated portal.
func box(value string) string { return `input[name="choice"][value="` + value + `"]` }

// scope reads "N из M".
var scope = regexp.MustCompile(`Сотрудников в выборке:\s*(\d+) из (\d+)`)

// inScope waits until the count has changed from what it was, and returns it.
func (b *tab) inScope(was string) (count string) {
	b.t.Helper()
	b.until("how many are in scope", func(text string) bool {
		found := scope.FindStringSubmatch(text)
		if found == nil || found[1] == was {
			return false
		}
		count = found[1]
		return true
	})
	return count
}

// An administrator restricts the sync to some departments: by ticking them, with script
// and without.
func TestDepartmentsAreChosenFromTheirTree(t *testing.T) {
	w := newWorld(t)
	w.call(w.webhook, "crm", "connect", "--tenant", "1", "--plugin", pluginName, "--set", "departments=77", "--secret", "webhook_url")
	b := w.newTab()
	b.signIn(adminEmail, password)
	b.see("Отделы")
	b.click(`a[href="/settings/crm/choices/departments"]`)
	b.see("ООО «Ромашка»")
	b.see("Выбрано, но в портале этого нет")
	b.inspect("40-departments")
	if none := b.inScope(""); none != "0" {
		t.Errorf("%s people in a department that is not there", none)
	}

	t.Log("with script: the count follows, what is below goes along")
	b.click(`input[data-missing]`)
	all := b.inScope("0")
	b.click(box("2"))
	sales := b.inScope(all)
	along, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`[...document.querySelectorAll("input[name=choice]:disabled:checked")].map((box) => box.value).join()`))
	if err != nil || along != "10,11" {
		t.Errorf("ticked along: %q, %v", along, err)
	}
	b.click(box("3"))
	both := b.inScope(sales)
	b.click(box("3"))
	if again := b.inScope(both); again != sales {
		t.Errorf("%s people, then %s", sales, again)
	}
	b.inspect("41-departments-chosen")
	b.size(320, 640)
	b.inspect("42-departments-phone")
	b.size(1100, 800)
	b.click("form.card button.main")
	b.see("Сохранено.")
	if shown := w.call("", "crm", "show", "--tenant", "1", "--json"); !strings.Contains(shown, `"departments":"2"`) {
		t.Error(shown)
	}

	t.Log("without script")
	b.scripts(false)
	b.open("/settings/crm/choices/departments")
	if stored := b.inScope(""); stored != sales {
		t.Errorf("%s people in what is stored, the script counted %s", stored, sales)
	}
	b.click(box("3"))
	b.click("button[value=count]")
	if counted := b.inScope(sales); counted != both {
		t.Errorf("%s people, the script counted %s", counted, both)
	}
	b.shot("43-departments-without-script")
	b.click("form.card button.main")
	b.see("Сохранено.")
	// "Bookkeeping" comes before "Sales" in the tree.
	if shown := w.call("", "crm", "show", "--tenant", "1", "--json"); !strings.Contains(shown, `"departments":"3,2"`) {
		t.Error(shown)
	}
	b.scripts(true)
	b.quiet()
}
