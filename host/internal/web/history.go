package web

import (
	"context"
	"net/http"
	"strconv"

	"booking/host/internal/store"
)

// runsInHistory is how many runs one page of the history lists.
const runsInHistory = 50

// historyView is the list of runs.
type historyView struct {
	Runs   []runRow
	Charts []chartView
	Paged  bool
	// Next is the address of the next page; empty on the last.
	Next string
}

// runRow is a run in a list.
type runRow struct {
	store.Run
	// By is who pressed the button; empty for other triggers.
	By string
}

func (s *Server) history(w http.ResponseWriter, r *http.Request, v *visit) error {
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	runs, err := s.Store.RunPage(r.Context(), store.RunFilter{TenantID: v.Tenant.ID, Before: before, Limit: runsInHistory + 1})
	if err != nil {
		return err
	}
	data := historyView{Paged: before > 0}
	if len(runs) > runsInHistory {
		runs = runs[:runsInHistory]
		data.Next = address("/runs", "before", strconv.FormatInt(runs[runsInHistory-1].ID, 10))
	}
	data.Charts = charts(runs, s.Clock())
	if data.Runs, err = s.runRows(r.Context(), runs); err != nil {
		return err
	}
	return s.show(w, v, http.StatusOK, "history", data)
}

// runRows adds to runs who asked for them.
func (s *Server) runRows(ctx context.Context, runs []store.Run) ([]runRow, error) {
	ids := make([]int64, len(runs))
	for i, run := range runs {
		ids[i] = run.ID
	}
	by, err := s.Store.Requesters(ctx, ids)
	rows := make([]runRow, len(runs))
	for i, run := range runs {
		rows[i] = runRow{run, by[run.ID]}
	}
	return rows, err
}
