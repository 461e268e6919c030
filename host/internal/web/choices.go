package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"booking/host/internal/connect"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// choicesView is the page on which values of a setting are chosen from what the portal
// has. It is a page of its own, so that a slow portal holds up nothing else.
type choicesView struct {
	Field crm.Field
	// Problem says why there is no list; Value is then typed.
	Problem crm.Text
	Value   string
	// Message is why what was chosen was not saved.
	Message crm.Text

	Nodes   []*choiceNode
	Missing []string // chosen, and not of the portal (any more)
	Counted bool
	People  int
	InScope int
	// Overlaps are for the script, as JSON.
	Overlaps string
}

// choiceNode is a value with what lies below it.
type choiceNode struct {
	Value, Label string
	ID           int
	Chosen       bool
	Counted      bool
	People       int // in it
	Below        int // in it and below
	Nodes        []*choiceNode
}

func (s *Server) choices(w http.ResponseWriter, r *http.Request, v *visit) error {
	patient(w)
	c, err := s.connections.Choices(r.Context(), v.Tenant.ID, r.PathValue("field"))
	return s.showChoices(w, r, v, http.StatusOK, c, crm.Text{}, err)
}

// showChoices shows the list, or says why there is none and lets the value be typed.
func (s *Server) showChoices(w http.ResponseWriter, r *http.Request, v *visit, status int, c connect.Choices, message crm.Text, err error) error {
	data := &choicesView{Field: c.Field, Value: strings.Join(c.Chosen, ","), Message: message}
	var said *crm.Error
	switch {
	case err == nil:
		data.fill(c)
	case errors.Is(err, connect.ErrNotListable):
		return store.ErrNotFound
	case crm.CodeOf(err) == crm.CodeDatabase:
		return err
	case c.Field.Key == "": // no connection, or none that could be asked: there it says why
		return redirect(w, r, "/settings/crm")
	case errors.As(err, &said):
		data.Problem = said.Message
	default:
		return err
	}
	return s.show(w, v, status, "choices", data)
}

func (d *choicesView) fill(c connect.Choices) {
	d.Missing, d.Counted, d.People, d.InScope = c.Missing(c.Chosen...), c.Counted, c.People, c.InScope(c.Chosen)
	below, nodes := c.Below(), map[string]*choiceNode{"": {}}
	c.Walk(func(n crm.ChoiceNode, _ int) {
		node := &choiceNode{
			Value: n.Value, Label: n.Label, ID: len(nodes), Chosen: slices.Contains(c.Chosen, n.Value),
			Counted: c.Counted, People: n.People, Below: below[n.Value],
		}
		nodes[n.Value] = node
		nodes[n.Parent].Nodes = append(nodes[n.Parent].Nodes, node)
	})
	d.Nodes = nodes[""].Nodes
	if overlaps, err := json.Marshal(c.Overlaps); err == nil {
		d.Overlaps = string(overlaps)
	}
}

// saveChoices saves what is ticked, or typed. With then=count nothing is saved: without
// script that is how people in scope are counted.
func (s *Server) saveChoices(w http.ResponseWriter, r *http.Request, v *visit) error {
	ctx, key := r.Context(), r.PathValue("field")
	value := strings.Join(r.PostForm["choice"], ",")
	if r.PostForm.Has("value") {
		value = r.PostForm.Get("value")
	}
	if r.PostForm.Get("then") == "count" {
		return s.showChosen(w, r, v, http.StatusOK, value, crm.Text{})
	}
	before, after, description, err := s.connections.Choose(ctx, v.Tenant.ID, key, value)
	var refused *connect.RefusedError
	switch {
	case errors.Is(err, connect.ErrNotListable):
		return store.ErrNotFound
	case errors.Is(err, store.ErrNotFound), crm.CodeOf(err) == crm.CodeNotConfigured:
		return redirect(w, r, "/settings/crm")
	case errors.As(err, &refused):
		return s.showChosen(w, r, v, http.StatusUnprocessableEntity, value, refused.Problems[0].Message)
	case err != nil:
		return err
	}
	if err := s.Store.AddAudit(ctx, compareConnections(v, description, before, after, r.PostForm)...); err != nil {
		return err
	}
	return redirect(w, r, "/settings/crm?saved")
}

// showChosen shows the list with other values chosen than those that are stored.
func (s *Server) showChosen(w http.ResponseWriter, r *http.Request, v *visit, status int, value string, message crm.Text) error {
	patient(w)
	c, err := s.connections.Choices(r.Context(), v.Tenant.ID, r.PathValue("field"))
	c.Chosen = crm.Chosen(value)
	return s.showChoices(w, r, v, status, c, message, err)
}
