package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"golang.org/x/crypto/bcrypt"

	"booking/shared/usersync"
)

// site is an installation whose pages are visited: a database of its own, a company in
// it, and a host that serves.
type site struct {
	*lab
	programs *programs
	serving  *process
	db       *bun.DB
	tenant   int64
	client   *http.Client
}

// openSite makes a database, prepares it with the host's own commands and serves it.
func (l *lab) openSite(ctx context.Context, name string) (*site, error) {
	programs, err := l.build(ctx)
	if err != nil {
		return nil, err
	}
	s := &site{lab: l, programs: programs, client: &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 1000},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if err := l.exec(ctx, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"); err != nil {
		return nil, err
	}
	file, err := l.dsnFile(name)
	if err != nil {
		return nil, err
	}
	// Each visitor comes from an address of its own, as through a proxy: nobody is
	// slowed down for what others do.
	environment := []string{
		"BOOKING_DSN_FILE=" + file, "BOOKING_DATA_DIR=" + filepath.Join(l.dir, "data-"+name),
		"BOOKING_HTTP_PORTALS=127.0.0.1", "BOOKING_TRUSTED_PROXIES=127.0.0.1",
	}
	if err := s.prepare(ctx, environment); err != nil {
		return nil, err
	}
	if s.db, err = usersync.OpenDB(l.dsn(name)); err != nil {
		return nil, err
	}
	if s.serving, err = programs.serve(ctx, environment...); err != nil {
		s.db.Close()
		return nil, err
	}
	return s, nil
}

// prepare does what an operator does before the first start.
func (s *site) prepare(ctx context.Context, environment []string) error {
	var said []byte
	for _, command := range []string{"migrate up", "plugins trust " + s.programs.manifest.Name, "tenants add --name Load --json"} {
		var err error
		if said, err = s.programs.host(ctx, environment, strings.Fields(command)...).Output(); err != nil {
			return fmt.Errorf("booking-host %s: %w", command, err)
		}
	}
	var added struct{ ID int64 }
	if err := json.Unmarshal(said, &added); err != nil {
		return fmt.Errorf("read the new company's number: %w", err)
	}
	s.tenant = added.ID
	return nil
}

func (s *site) close() {
	s.client.CloseIdleConnections()
	s.serving.end()
	s.db.Close()
}

// password is everybody's.
const password = "correct horse battery"

// hash is the password's, as the existing server writes it.
func hash(cost int) (string, error) {
	made, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	return "$2y$" + strings.TrimPrefix(string(made), "$2a$"), err
}

// accounts are rows of users to be made.
type accounts struct {
	// kind is the first part of their addresses: kind-1@load.example and so on.
	kind, hash, role string
	first, last      int
	inactive         bool
}

// add makes them.
func (s *site) add(ctx context.Context, a accounts) error {
	_, err := s.db.NewRaw(fmt.Sprintf(`INSERT INTO users (tenant_id, name, email, password, role, is_active, created_at, updated_at)
		SELECT ?, CONCAT(?, ' ', seq), CONCAT(?, '-', seq, '@load.example'), ?, ?, ?, NOW(), NOW() FROM seq_%d_to_%d`, a.first, a.last),
		s.tenant, a.kind, a.kind, a.hash, a.role, !a.inactive).Exec(ctx)
	if err != nil {
		return fmt.Errorf("make people (%s): %w", a.kind, err)
	}
	return nil
}

// patience bounds one request of a visitor.
const patience = 30 * time.Second
