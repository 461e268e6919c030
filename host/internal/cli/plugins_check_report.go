package cli

import (
	"fmt"
	"time"

	"booking/shared/crmtest"
)

var checkMarks = map[crmtest.Status]string{
	crmtest.StatusOK: "✅", crmtest.StatusFailed: "❌", crmtest.StatusNotApplicable: "➖", crmtest.StatusNotTried: "⚠️",
}

func (a *app) tellCheck(r crmtest.Result) {
	fmt.Fprintf(a.stdout, "%s %s: %s", checkMarks[r.Status], r.Name, r.Title.In(a.locale))
	if r.Took > time.Second {
		fmt.Fprintf(a.stdout, a.say(" (%.1f с)", " (%.1f s)"), r.Took.Seconds())
	}
	fmt.Fprintln(a.stdout)
	reason := printable(r.Reason.In(a.locale))
	switch r.Status {
	case crmtest.StatusFailed:
		fmt.Fprintf(a.stdout, a.say("   что видно: %s\n   что исправить: %s\n", "   seen: %s\n   mend: %s\n"), reason, r.Mend.In(a.locale))
	case crmtest.StatusNotApplicable:
		fmt.Fprintf(a.stdout, a.say("   не относится к этому плагину: %s\n", "   not applicable: %s\n"), reason)
	case crmtest.StatusNotTried:
		fmt.Fprintf(a.stdout, a.say("   не проверялось: %s\n", "   not tried: %s\n"), reason)
	}
}

func (a *app) tellReport(r crmtest.Report) {
	fmt.Fprintf(a.stdout, a.say("\n%s %s: пройдено %d, не пройдено %d, не относится %d, не проверялось %d\n", "\n%s %s: %d passed, %d failed, %d not applicable, %d not tried\n"),
		printable(r.Plugin), printable(r.Version), r.Count(crmtest.StatusOK), r.Count(crmtest.StatusFailed), r.Count(crmtest.StatusNotApplicable), r.Count(crmtest.StatusNotTried))
	if r.Count(crmtest.StatusNotTried) > 0 {
		fmt.Fprintln(a.stdout, a.say("О том, что не проверялось, ничего не известно: дайте настройки (--settings, --secret, --many).", "Nothing is known of what was not tried: give settings (--settings, --secret, --many)."))
	}
}

type checkJSON struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Title  string `json:"title"`
	Reason string `json:"reason,omitempty"`
	Mend   string `json:"mend,omitempty"`
}

type checkReportJSON struct {
	Plugin  string      `json:"plugin"`
	Version string      `json:"version"`
	OK      bool        `json:"ok"`
	Checks  []checkJSON `json:"checks"`
}

func (a *app) reportJSON(r crmtest.Report) checkReportJSON {
	out := checkReportJSON{Plugin: r.Plugin, Version: r.Version, OK: r.Count(crmtest.StatusFailed) == 0, Checks: []checkJSON{}}
	for _, result := range r.Results {
		c := checkJSON{Name: result.Name, Status: string(result.Status), Title: result.Title.In(a.locale), Reason: result.Reason.In(a.locale)}
		if result.Status == crmtest.StatusFailed {
			c.Mend = result.Mend.In(a.locale)
		}
		out.Checks = append(out.Checks, c)
	}
	return out
}
