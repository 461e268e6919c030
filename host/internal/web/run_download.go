package web

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"booking/host/internal/runjson"
	"booking/host/internal/store"
)

// runCSV is everything a run did, one person a line, for a spreadsheet.
func (s *Server) runCSV(w http.ResponseWriter, r *http.Request, v *visit) error {
	run, err := s.ownRun(r, v)
	if err != nil {
		return err
	}
	patient(w)
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="run-%d.csv"`, run.ID))
	_, _ = w.Write([]byte("\ufeff")) // without it spreadsheets take the letters for another charset's
	table := csv.NewWriter(w)
	_ = table.Write([]string{"portal_id", "user_id", "name", "email", "action", "reason", "field", "before", "after"})
	err = s.Store.Changes(r.Context(), run.ID, func(c store.Change) error {
		user := ""
		if c.UserID != 0 {
			user = fmt.Sprint(c.UserID)
		}
		return table.Write([]string{
			cell(c.ExternalID), user, cell(c.Name), cell(c.Email), string(c.Action), string(c.Reason), c.Field, cell(string(c.Before)), cell(string(c.After)),
		})
	})
	table.Flush()
	return s.halfway(err)
}

// cell keeps a value from being a formula: a spreadsheet would carry it out.
func cell(value string) string {
	if value != "" && strings.ContainsAny(value[:1], "=+-@\t\r\n") {
		return "'" + value
	}
	return value
}

// runJSON is the run as `booking-host runs show --json` prints it.
func (s *Server) runJSON(w http.ResponseWriter, r *http.Request, v *visit) error {
	run, err := s.ownRun(r, v)
	if err != nil {
		return err
	}
	patient(w)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="run-%d.json"`, run.ID))
	head, err := json.Marshal(runjson.NewHistory(run, v.Locale, time.Now()))
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(w, "%s,\"changes\":[", strings.TrimSuffix(string(head), "}"))
	between := ""
	err = s.Store.Changes(r.Context(), run.ID, func(c store.Change) error {
		line, err := json.Marshal(runjson.NewChange(c))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s\n%s", between, line)
		between = ","
		return err
	})
	if err == nil {
		_, _ = fmt.Fprintln(w, "\n]}")
	}
	return s.halfway(err)
}

// halfway ends an answer that has begun in the only way a reader notices: by breaking
// the line.
func (s *Server) halfway(err error) error {
	if err == nil {
		return nil
	}
	s.Log.Warn("a download broke off", "error", err.Error())
	panic(http.ErrAbortHandler)
}
