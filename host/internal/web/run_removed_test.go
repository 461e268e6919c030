package web

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// What a run did long ago is gone; what is said of people today is not.
func TestAPageOfARunThatWasRemovedSaysSo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	old, newer := s.finishedRun("Давняя"), s.finishedRun()
	s.exec("UPDATE crm_runs SET requested_at = '2020-01-01', finished_at = '2020-01-01' WHERE id = ?", old)
	s.exec(`INSERT INTO crm_tenant_health (tenant_id, run_id, status, finished_at, success_at) SELECT tenant_id, id, status, finished_at, finished_at FROM crm_runs WHERE id = ?`, newer)
	v := s.signedIn("admin@ours.example")
	v.get(fmt.Sprintf("/runs/%d", old)).contains(t, "Давняя")
	v.get("/people/portal?id=99").contains(t, fmt.Sprintf(`href="/runs/%d"`, old), fmt.Sprintf(`href="/runs/%d"`, newer))
	for range 2 { // the first one makes the row
		turn, err := s.ClaimHistory(t.Context(), 400, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if turn != nil {
			if over, err := turn.Work(t.Context(), 30); err != nil || !over || turn.Removed.Runs != 1 {
				t.Fatalf("%+v, over %v, error %v", turn.Removed, over, err)
			}
		}
	}
	for _, path := range []string{"", "/events", "/changes.csv", "/changes.json"} {
		a := v.get(fmt.Sprintf("/runs/%d%s", old, path))
		if a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
		a.contains(t, fmt.Sprintf("Запуска %d в истории больше нет", old), "400 дн.")
	}
	// Another company's run is told of in no other words.
	s.signedIn("admin@theirs.example").get(fmt.Sprintf("/runs/%d", newer)).contains(t, fmt.Sprintf("Запуска %d нет", newer))
	v.get("/runs/4711").contains(t, "Запуска 4711 нет")
	v.get("/people/portal?id=99").contains(t, "Спорный", fmt.Sprintf(`!href="/runs/%d"`, old), fmt.Sprintf(`href="/runs/%d"`, newer))
	v.get(fmt.Sprintf("/runs/%d", newer)).contains(t, "Вера Новая")
	v.get("/people").contains(t, "Егор")
}
