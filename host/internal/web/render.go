package web

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"booking/host/internal/accesslog"
	"booking/host/internal/problem"
	"booking/host/internal/store"
	"booking/shared/crm"
)

//go:embed templates/*.html
var templateFiles embed.FS

// templates are the pages by name, in one tongue.
type templates map[string]*template.Template

// parseTemplates reads the layout, and each page into it, in one language: both languages
// stand beside each other in the same file.
func parseTemplates(locale string, zone *time.Location) (templates, error) {
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("list the templates: %w", err)
	}
	layout, pages := template.New("").Funcs(functions(locale, zone)), templates{}
	for _, file := range files { // in the order of their names: what is shared comes first
		if strings.HasPrefix(path.Base(file), "_") {
			if err := parseInto(layout, locale, file); err != nil {
				return nil, err
			}
			continue
		}
		page, err := layout.Clone()
		if err == nil {
			err = parseInto(page, locale, file)
		}
		if err != nil {
			return nil, err
		}
		pages[strings.TrimSuffix(path.Base(file), ".html")] = page.Lookup("_layout.html")
	}
	return pages, nil
}

// parseInto adds a file to a page.
func parseInto(page *template.Template, locale, file string) error {
	source, err := templateFiles.ReadFile(file)
	if err == nil {
		_, err = page.New(path.Base(file)).Parse(speak(locale, string(source)))
	}
	if err != nil {
		return fmt.Errorf("read the template %s: %w", file, err)
	}
	return nil
}

// sentence is one in both languages, as it stands in a template: {{t "Люди" "People"}}.
var sentence = regexp.MustCompile(`\{\{t ("(?:[^"\\]|\\.)*") ("(?:[^"\\]|\\.)*")\}\}`)

// speak leaves one language of a template's sentences. Pages are sentences for the most
// part: to choose each while a page is rendered was a third of its cost.
func speak(locale, source string) string {
	return sentence.ReplaceAllStringFunc(source, func(both string) string {
		words := sentence.FindStringSubmatch(both)
		ru, errRU := strconv.Unquote(words[1])
		en, errEN := strconv.Unquote(words[2])
		if errRU != nil || errEN != nil {
			return both // the parser says what is wrong with it, and where
		}
		return template.HTMLEscapeString(crm.Text{RU: ru, EN: en}.In(locale))
	})
}

// view is what a template sees: the visit, and the page's own data.
type view struct {
	V *visit
	D any
	// Section is the entry of the menu that the page belongs to.
	Section string
	// Narrow pages are one form.
	Narrow bool
	// Addresses of the static files.
	Style, Script, Icon string
}

// sections says where in the menu a page is.
var sections = map[string]string{
	"settings": "settings", "choices": "settings", "tokens": "settings", "events": "settings", "run": "runs", "history": "runs", "people": "people", "person": "people", "invite": "people", "portal": "people", "audit": "audit", "tenants": "tenants",
}

// narrow are the pages that are one form.
var narrow = map[string]bool{"sign_in": true, "recover": true, "password": true, "first_run": true, "invite": true}

// show renders a page as a whole before its first byte is sent: what fails is an
// error page, not half of one.
func (s *Server) show(w http.ResponseWriter, v *visit, status int, name string, data any) error {
	pages, err := s.tongues.in(v.Locale, v.Zone)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	err = pages[name].Execute(&page, view{
		V: v, D: data, Section: sections[name], Narrow: narrow[name],
		Style: s.static["style.css"].address, Script: s.static["script.js"].address, Icon: s.static["icon.svg"].address,
	})
	if err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w)
	return nil
}

// problemError is an answer with a sentence.
type problemError struct {
	status  int
	message crm.Text
}

// Error implements error, in English.
func (e *problemError) Error() string { return e.message.In("en") }

func problemPage(status int, message crm.Text) error { return &problemError{status, message} }

// problemView is what the error page shows.
type problemView struct {
	Message crm.Text
	// Ask are the administrators to turn to.
	Ask []store.User
}

// fail turns an error into the page that says what to do.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, v *visit, err error) {
	status, message := http.StatusInternalServerError, crm.Text{
		RU: "Что-то сломалось у нас. Попробуйте ещё раз; если повторится — подробности в журнале сервера.",
		EN: "Something broke on our side. Try again; if it stays so, the server's log has the details.",
	}
	var said *problemError
	var ask []store.User
	switch {
	case r.Context().Err() != nil:
		return // nobody is there any more
	case errors.Is(err, errNobody):
		to := "/sign-in"
		if r.Method == http.MethodGet && v.Here != "/" {
			to += "?next=" + url.QueryEscape(v.Here)
		}
		_ = redirect(w, r, to)
		return
	case errors.Is(err, errNoTenant):
		_ = redirect(w, r, "/tenants")
		return
	case errors.Is(err, errNotYours):
		status, message = http.StatusForbidden, crm.Text{RU: "Эта страница — для администраторов.", EN: "This page is for administrators."}
		ask, _ = s.Store.Administrators(r.Context(), v.Tenant.ID, 5)
	case errors.As(err, &said):
		status, message = said.status, said.message
	case errors.Is(err, store.ErrNotFound):
		status, message = http.StatusNotFound, crm.Text{RU: "Такой страницы нет.", EN: "There is no such page."}
	case crm.CodeOf(err) == crm.CodeDatabase:
		status, message = http.StatusServiceUnavailable, problem.TextOf(err)
	}
	if status >= http.StatusInternalServerError {
		s.Log.Error("page", "request", accesslog.ID(r.Context()), "route", r.Pattern, "error", err.Error())
	}
	if err := s.show(w, v, status, "problem", problemView{Message: message, Ask: ask}); err != nil {
		s.Log.Error("error page", "error", err.Error())
		http.Error(w, message.In(v.Locale), status)
	}
}
