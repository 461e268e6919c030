package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"booking/shared/crm"
)

// company is 1 > (2 > 4, 3); one person is in 2 and 3, two in no department.
func company(crm.ChoicesRequest) (crm.Choices, error) {
	return crm.Choices{
		Nodes: []crm.ChoiceNode{
			{Value: "1", Label: "Ромашка", People: 1}, {Value: "2", Label: "Продажи", Parent: "1", People: 10},
			{Value: "4", Label: "Юг", Parent: "2", People: 3}, {Value: "3", Label: "Бухгалтерия", Parent: "1", People: 5},
		},
		Counted: true, People: 20, Overlaps: []crm.ChoiceOverlap{{Values: []string{"2", "3"}, People: 1}},
	}, nil
}

const choicesPath = "/settings/crm/choices/departments"

func TestChoicesAreATreeWithCounts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.plugin.list = company
	v := s.signedIn("admin@ours.example")
	v.get("/settings/crm").contains(t, "!"+choicesPath)
	s.connect()
	v.get("/settings/crm").contains(t, `href="`+choicesPath+`"`, `name="setting.departments"`) // text stays possible
	a := v.get(choicesPath)
	a.contains(t, "<h1>Отделы</h1>", "18\u00a0сотрудников", "13\u00a0сотрудников", "5\u00a0сотрудников", "3\u00a0сотрудника", "<span data-scope>20</span></b> из 20", "! checked")
	if inside := strings.Index(a.body, "Продажи"); !strings.HasPrefix(a.body[inside:], "Продажи</bdi>") || strings.Index(a.body, ">Юг<") < inside || strings.Index(a.body, "Бухгалтерия") < strings.Index(a.body, ">Юг<") {
		t.Errorf("the tree is in another order:\n%s", a.body)
	}
	v.post("/language", "language", "en")
	v.get(choicesPath).contains(t, "<h1>Departments</h1>", "People in scope:", "18\u00a0people", "!Сохранить")
}

func TestChoicesAreSavedAndAudited(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.plugin.list = company
	s.connect()
	v := s.signedIn("admin@ours.example")
	stored := func() string {
		c, err := s.Connection(t.Context(), s.box, s.ours)
		if err != nil || c.Secret["webhook"].Reveal() != webhook {
			t.Fatalf("%v %+v", err, c)
		}
		return c.Plain["departments"]
	}
	if a := v.post(choicesPath, "choice", "2", "choice", "3", "choice", "77"); a.to != "/settings/crm?saved" || stored() != "2,3,77" {
		t.Errorf("%d, %q", a.status, stored())
	}
	v.get("/settings/crm?saved").contains(t, "Кто что менял", "2,3,77", "Сохранено.")
	// What the portal does not have is shown as such, and goes when it is not ticked.
	v.get(choicesPath).contains(t, "<span data-scope>17</span></b> из 20", "Выбрано, но в портале этого нет", `value="77" checked`, `value="2" data-people="10" checked`)
	v.post(choicesPath, "choice", "3")
	v.get(choicesPath).contains(t, "!77", "!в портале этого нет", "<span data-scope>5</span>")
	// Counting without script saves nothing.
	v.post(choicesPath, "choice", "4", "then", "count").contains(t, "<span data-scope>3</span>", `value="4" data-people="3" checked`, "!3\" data-people=\"5\" checked")
	if stored() != "3" {
		t.Errorf("counting saved %q", stored())
	}
	// What cannot be right is refused, and what was ticked stays ticked.
	if a := v.post(choicesPath, "choice", "4", "choice", "<b>"); a.status != http.StatusUnprocessableEntity || stored() != "3" {
		t.Errorf("%d, %q", a.status, stored())
	} else {
		a.contains(t, "Не сохранено:", `value="4" data-people="3" checked`, "!<b></")
	}
	v.post(choicesPath)
	if stored() != "" {
		t.Errorf("with nothing ticked %q is stored", stored())
	}
}

func TestChoicesOfAPortalThatDoesNotAnswerCanBeTyped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	s.plugin.list = func(crm.ChoicesRequest) (crm.Choices, error) {
		return crm.Choices{}, crm.NewError(crm.CodePortalUnreachable, crm.Text{RU: "До портала не достучаться.", EN: "Unreachable."}, nil)
	}
	v := s.signedIn("admin@ours.example")
	v.post(choicesPath, "value", "5, 6")
	v.get(choicesPath).contains(t, "До портала не достучаться.", "Попробовать ещё раз", `name="value" value="5,6"`, "!type=\"checkbox\"")
	if a := v.post(choicesPath, "value", "five"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("%d", a.status)
	}
	v.get("/settings/crm").contains(t, `value="5, 6"`)
	// Not counted: no numbers that mean nothing.
	s.plugin.list = func(crm.ChoicesRequest) (crm.Choices, error) {
		return crm.Choices{Nodes: []crm.ChoiceNode{{Value: "5", Label: "<i>Склад</i>"}}}, nil
	}
	v.get(choicesPath).contains(t, "&lt;i&gt;Склад", "!data-scope>", "!сотрудник</", "!Пересчитать")
}

// The settings page asks the portal nothing, however slow it is.
func TestSettingsDoNotWaitForChoices(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	s.plugin.list = func(crm.ChoicesRequest) (crm.Choices, error) {
		t.Error("the portal was asked")
		return crm.Choices{}, context.DeadlineExceeded
	}
	v := s.signedIn("admin@ours.example")
	v.get("/settings/crm").contains(t, "Выбрать из списка портала")
	v.post("/settings/crm", "plugin", "scripted", "with_settings", "yes", "setting.departments", "3")
	v.post(choicesPath, "choice", "3")
}

func TestChoicesOfOtherSettings(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	v := s.signedIn("admin@ours.example")
	for _, field := range []string{"webhook", "phone", "nothing", "departments%2f..", strings.Repeat("x", 500)} {
		if a := v.get("/settings/crm/choices/" + field); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", field, a.status)
		}
		if a := v.post("/settings/crm/choices/"+field, "choice", "1"); a.status != http.StatusNotFound {
			t.Errorf("POST %s: %d", field, a.status)
		}
	}
	if c, err := s.Connection(t.Context(), s.box, s.ours); err != nil || c.Secret["webhook"].Reveal() != webhook || len(c.Plain) != 0 {
		t.Errorf("%v %+v", err, c)
	}
}

// A structure as large as the contract allows is a page.
func TestChoicesOfALargeCompany(t *testing.T) {
	t.Parallel()
	var c crm.Choices
	for i := range 20_000 {
		n := crm.ChoiceNode{Value: strconv.Itoa(i + 1), Label: "Отдел", People: 3}
		if i > 0 {
			n.Parent = c.Nodes[(i-1)/2].Value
		}
		c.Nodes = append(c.Nodes, n)
		if i > 1 {
			c.Overlaps = append(c.Overlaps, crm.ChoiceOverlap{Values: []string{c.Nodes[i].Value, c.Nodes[i-1].Value}, People: 1})
		}
	}
	c.Counted, c.People = true, 60_000
	s := newSite(t)
	s.connect()
	s.plugin.list = func(crm.ChoicesRequest) (crm.Choices, error) { return c, nil }
	if a := s.signedIn("admin@ours.example").get(choicesPath); a.status != http.StatusOK || strings.Count(a.body, `name="choice"`) != 20_000 {
		t.Errorf("%d, %d boxes", a.status, strings.Count(a.body, `name="choice"`))
	}
}
