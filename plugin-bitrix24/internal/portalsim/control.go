package portalsim

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// Control returns the handler that changes the portal from outside, below /control/:
// for scripts and the demo. It answers loopback callers only, and no browser's page.
//
//	GET    /control/people              everybody
//	POST   /control/people              hire: a person or a list of them; answers the IDs
//	PATCH  /control/people/{id}         change the given fields
//	POST   /control/people/{id}/rename  body: the new name as text
//	POST   /control/people/{id}/dismiss
//	POST   /control/people/{id}/restore
//	DELETE /control/people/{id}
//	GET    /control/faults              every kind of fault
//	POST   /control/faults              body: one fault as text, see [ParseFault]
//	DELETE /control/faults              all is well again
//	GET    /control/stats               requests and commands so far
//	DELETE /control/stats
//	POST   /control/bucket              body: how many requests others have made
//	POST   /control/events              send an event: {"to": "http://127.0.0.1:8080/...",
//	                                    "id": 7}, and event, token, domain where they differ
func (p *Portal) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /control/people", p.listPeople)
	mux.HandleFunc("POST /control/people", p.hire)
	mux.HandleFunc("PATCH /control/people/{id}", p.person(p.patch))
	mux.HandleFunc("POST /control/people/{id}/rename", p.person(func(s *State, id int64, body []byte) error {
		s.Rename(id, string(body))
		return nil
	}))
	mux.HandleFunc("POST /control/people/{id}/dismiss", p.person(func(s *State, id int64, _ []byte) error { s.Dismiss(id); return nil }))
	mux.HandleFunc("POST /control/people/{id}/restore", p.person(func(s *State, id int64, _ []byte) error { s.Restore(id); return nil }))
	mux.HandleFunc("DELETE /control/people/{id}", p.person(func(s *State, id int64, _ []byte) error { s.Remove(id); return nil }))
	mux.HandleFunc("GET /control/faults", func(w http.ResponseWriter, _ *http.Request) { reply(w, Faults()) })
	mux.HandleFunc("POST /control/faults", p.injectText)
	mux.HandleFunc("DELETE /control/faults", func(w http.ResponseWriter, _ *http.Request) { p.Heal(); reply(w, "ok") })
	mux.HandleFunc("GET /control/stats", func(w http.ResponseWriter, _ *http.Request) { reply(w, p.Stats()) })
	mux.HandleFunc("DELETE /control/stats", func(w http.ResponseWriter, _ *http.Request) { p.ResetCounters(); reply(w, "ok") })
	mux.HandleFunc("POST /control/bucket", p.fill)
	mux.HandleFunc("POST /control/events", p.sendEvent)
	return loopbackOnly(mux)
}

func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		if !net.ParseIP(host).IsLoopback() || r.Header.Get("Origin") != "" {
			http.Error(w, "the control address is for programs on this machine", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func reply(w http.ResponseWriter, v any) {
	writeJSON(w, http.StatusOK, append(mustJSON(v), '\n'))
}

func (p *Portal) listPeople(w http.ResponseWriter, _ *http.Request) {
	var people []Person
	p.Update(func(s *State) { people = s.People() })
	reply(w, people)
}

func (p *Portal) hire(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	var people []Person
	if err == nil {
		people, err = readPeople(body)
	}
	if err != nil {
		http.Error(w, "read the people: "+err.Error(), http.StatusBadRequest)
		return
	}
	ids := make([]int64, len(people))
	p.Update(func(s *State) {
		for i := range people {
			ids[i] = s.Set(people[i])
		}
	})
	reply(w, ids)
}

// readPeople takes one person or a list; who is hired is active unless said otherwise.
func readPeople(body []byte) ([]Person, error) {
	list := []json.RawMessage{body}
	if strings.HasPrefix(strings.TrimSpace(string(body)), "[") {
		if err := json.Unmarshal(body, &list); err != nil {
			return nil, err
		}
	}
	people := make([]Person, len(list))
	for i := range list {
		people[i].Active = true
		if err := json.Unmarshal(list[i], &people[i]); err != nil {
			return nil, err
		}
	}
	return people, nil
}

var errNobody = errors.New("there is nobody with this ID")

// person makes a handler of a change of one person; it answers the person as it is then.
func (p *Portal) person(change func(*State, int64, []byte) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		var body []byte
		if err == nil {
			body, err = io.ReadAll(io.LimitReader(r.Body, maxBody))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		var now Person
		p.Update(func(s *State) {
			if _, found := s.Get(id); !found {
				err = errNobody
				return
			}
			err = change(s, id, body)
			now, _ = s.Get(id)
		})
		switch {
		case errors.Is(err, errNobody):
			http.Error(w, err.Error(), http.StatusNotFound)
		case err != nil:
			http.Error(w, err.Error(), http.StatusBadRequest)
		default:
			reply(w, now)
		}
	}
}

func (p *Portal) patch(s *State, id int64, body []byte) error {
	var err error
	s.Change(id, func(person *Person) { err = json.Unmarshal(body, person) })
	return err
}

func (p *Portal) injectText(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	var f Fault
	if err == nil {
		f, err = ParseFault(string(body))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.Inject(f)
	reply(w, "ok")
}

func (p *Portal) fill(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	var n float64
	if err == nil {
		n, err = strconv.ParseFloat(string(body), 64)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.FillBucket(n)
	reply(w, "ok")
}
