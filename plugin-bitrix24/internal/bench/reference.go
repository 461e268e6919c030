package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// reference does what the old server does (facts/existing-booking-server.md), in plain
// Go and without its bcrypt hashing: pages of 50 by offset, one after the other; for
// each person one SELECT by link, one by e-mail if that found nobody, and one INSERT,
// or an UPDATE if something differs. Every statement commits by itself.
type reference struct {
	db     *sql.DB
	client *http.Client
}

func (l *lab) newReference() *reference {
	return &reference{db: l.reference.DB, client: &http.Client{Transport: &http.Transport{}}}
}

// referencePerson has the fields that the old server asks for.
type referencePerson struct {
	ID       string
	Name     string `json:"NAME"`
	LastName string `json:"LAST_NAME"`
	Email    string `json:"EMAIL"`
}

func (p referencePerson) name() string { return strings.TrimSpace(p.Name + " " + p.LastName) }

// sync reconciles everybody and returns how many people there were.
func (r *reference) sync(ctx context.Context, portal *simulator) (people int, err error) {
	err = r.read(ctx, portal, func(page []referencePerson) error {
		people += len(page)
		for _, p := range page {
			if err := r.store(ctx, p); err != nil {
				return fmt.Errorf("store a person: %w", err)
			}
		}
		return nil
	})
	return people, err
}

// read asks for page after page.
func (r *reference) read(ctx context.Context, portal *simulator, yield func([]referencePerson) error) error {
	for start := 0; ; {
		page, next, err := r.page(ctx, portal, start)
		if err != nil {
			return fmt.Errorf("read a page: %w", err)
		}
		if err := yield(page); err != nil {
			return err
		}
		if next == 0 {
			return nil
		}
		start = next
	}
}

func (r *reference) page(ctx context.Context, portal *simulator, start int) ([]referencePerson, int, error) {
	body, err := json.Marshal(map[string]any{
		"FILTER": map[string]any{"ACTIVE": true}, "select": []string{"ID", "EMAIL", "NAME", "LAST_NAME"}, "start": start,
	})
	if err != nil {
		return nil, 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, portal.webhook.Reveal()+"user.get", bytes.NewReader(body))
	if err != nil {
		return nil, 0, errors.New("make the request")
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := r.client.Do(request)
	if err != nil {
		return nil, 0, errors.New("the portal cannot be reached") // the error names the webhook
	}
	defer response.Body.Close()
	var answer struct {
		Result []referencePerson
		Next   int
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, 0, err
	}
	return answer.Result, answer.Next, nil
}

// unusable stands for the hash that the old server would compute.
const unusable = "$2y$12$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func (r *reference) store(ctx context.Context, p referencePerson) error {
	id, name, email, err := r.find(ctx, "SELECT id, name, email FROM users WHERE tenant_id = ? AND "+linkColumn+" = ? LIMIT 1", p.ID)
	linked := err == nil
	if errors.Is(err, sql.ErrNoRows) {
		id, name, email, err = r.find(ctx, "SELECT id, name, email FROM users WHERE tenant_id = ? AND email = ? LIMIT 1", p.Email)
	}
	now := time.Now().UTC().Format(time.DateTime)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		_, err = r.db.ExecContext(ctx, "INSERT INTO users (tenant_id, name, email, "+linkColumn+", password, role, is_active, created_at, updated_at) VALUES (?, ?, ?, ?, ?, 'employee', 1, ?, ?)",
			tenantID, p.name(), p.Email, p.ID, unusable, now, now)
	case err == nil && (!linked || name != p.name() || email != p.Email):
		_, err = r.db.ExecContext(ctx, "UPDATE users SET name = ?, email = ?, "+linkColumn+" = ?, updated_at = ? WHERE id = ?", p.name(), p.Email, p.ID, now, id)
	}
	return err
}

func (r *reference) find(ctx context.Context, query, key string) (id int64, name, email string, err error) {
	err = r.db.QueryRowContext(ctx, query, tenantID, key).Scan(&id, &name, &email)
	return id, name, email, err
}

// timed syncs and checks that it did the same work.
func (r *reference) timed(ctx context.Context, portal *simulator, people int) (time.Duration, error) {
	began := time.Now()
	n, err := r.sync(ctx, portal)
	took := time.Since(began)
	if err == nil && n != people {
		err = fmt.Errorf("read %d people instead of %d", n, people)
	}
	if err != nil {
		return 0, fmt.Errorf("the reference: %w", err)
	}
	return took, nil
}
