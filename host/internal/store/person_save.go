package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"booking/host/internal/problem"
	"booking/shared/crm"
	"booking/shared/usersync"
)

// StaleError says that somebody else, a sync for example, changed the person since the
// form was opened. Nothing was saved. It is ErrStale.
type StaleError struct{ Now User }

// Error implements error, in English.
func (e *StaleError) Error() string { return e.Unwrap().Error() }

// Unwrap is what a person reads.
func (e *StaleError) Unwrap() error {
	return problem.New(ErrStale, crm.Text{
		RU: "Пока форма была открыта, эти данные изменил кто-то другой. Ничего не сохранено: проверьте новые значения и сохраните ещё раз, если нужно",
		EN: "Somebody else changed these values while the form was open. Nothing was saved: look at the new values and save again if need be",
	}, nil)
}

// SavePerson makes a person, or changes the one with the number as far as values differ,
// and notes each change in the audit, all in one transaction. What is not in the edit is
// never touched. A newcomer has a password that nobody knows and gets in by recovery.
//
// ErrNotFound: not one of the tenant's people. ErrForbidden: above the editor's role.
// *StaleError: not the person that was shown. *MistakesError: values that break a rule;
// among them that the tenant keeps an active administrator, and that of a tenant's people
// one holds an external id. Editors of one tenant wait for each other (at most 5 s).
func (s *Store) SavePerson(ctx context.Context, e PersonEdit) (User, error) {
	var saved User
	err := s.write(ctx, "save a person", func(ctx context.Context, tx bun.Tx) (err error) {
		if err := takeTurn(ctx, tx, e.TenantID); err != nil {
			return err
		}
		if e.ID == 0 {
			saved, err = s.insertPerson(ctx, tx, e)
		} else {
			saved, err = s.updatePerson(ctx, tx, e)
		}
		return err
	})
	if err != nil {
		return User{}, s.nameHolder(ctx, e, err)
	}
	return saved, nil
}

// takeTurn makes hand-made changes of a tenant's people wait for each other, on the
// nodes of a cluster, too: there the later of two commits is undone and starts afresh.
func takeTurn(ctx context.Context, tx bun.Tx, tenantID int64) error {
	_, err := tx.NewRaw("INSERT INTO booking_people_turns (tenant_id, turns) VALUES (?, 1) ON DUPLICATE KEY UPDATE turns = turns + 1", tenantID).Exec(ctx)
	return err
}

func (s *Store) insertPerson(ctx context.Context, tx bun.Tx, e PersonEdit) (User, error) {
	e.clean(User{})
	if err := e.mistakes(User{}); err != nil {
		return User{}, err
	}
	if err := e.checkLink(ctx, tx); err != nil {
		return User{}, err
	}
	password, err := usersync.UnmatchablePassword(rand.Reader)
	if err != nil {
		return User{}, err
	}
	row := map[string]any{"tenant_id": e.TenantID, "password": password, "is_active": e.Active, "created_at": s.now(), "updated_at": s.now()}
	for _, c := range e.changes(User{Active: e.Active}) {
		row[c.column] = c.value
	}
	result, err := tx.NewInsert().Model(&row).Table("users").Exec(ctx)
	if err != nil {
		return User{}, refusedValue(err, e.Shape.Link)
	}
	u := e.applied(User{TenantID: e.TenantID})
	if u.ID, err = result.LastInsertId(); err != nil {
		return User{}, err
	}
	return u, s.addAudit(ctx, tx, personAudit(e.By, e.TenantID, u.ID, newcomerChanges(u)))
}

func (s *Store) updatePerson(ctx context.Context, tx bun.Tx, e PersonEdit) (User, error) {
	var before User
	err := e.Shape.pick(tx.NewSelect()).Where("id = ?", e.ID).Where("tenant_id = ?", e.TenantID).For("UPDATE").Scan(ctx, &before)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return User{}, noAccount()
	case err != nil:
		return User{}, err
	case before.Above(e.By):
		return User{}, problem.New(ErrForbidden, crm.Text{RU: "Этого человека может менять только суперадминистратор", EN: "Only a super administrator can change this person"}, nil)
	case e.Seen != before.Version():
		return User{}, &StaleError{before}
	}
	e.clean(before)
	if err := e.mistakes(before); err != nil {
		return User{}, err
	}
	changes := e.changes(before)
	if len(changes) == 0 {
		return before, nil
	}
	if err := e.checkLastAdmin(ctx, tx, before); err != nil {
		return User{}, err
	}
	if e.Link != before.Link {
		if err := e.checkLink(ctx, tx); err != nil {
			return User{}, err
		}
	}
	if err := s.updateColumns(ctx, tx, e, changes); err != nil {
		return User{}, err
	}
	after := e.applied(before)
	if err := endSignIns(ctx, tx, before, after); err != nil {
		return User{}, err
	}
	// Whoever reads the old mailbox must learn of it: a new address is a way in.
	if err := QueueAddressNotice(ctx, tx, AddressChange{TenantID: e.TenantID, UserID: e.ID, Old: before.Email, New: after.Email, By: e.By.Name}); err != nil {
		return User{}, err
	}
	return after, s.addAudit(ctx, tx, personAudit(e.By, e.TenantID, e.ID, changes))
}

func (s *Store) updateColumns(ctx context.Context, tx bun.Tx, e PersonEdit, changes []personChange) error {
	q := tx.NewUpdate().Table("users").Set("updated_at = ?", s.now()).Where("id = ?", e.ID).Where("tenant_id = ?", e.TenantID)
	for _, c := range changes {
		if c.value == nil {
			q.Set("? = DEFAULT", bun.Ident(c.column))
		} else {
			q.Set("? = ?", bun.Ident(c.column), c.value)
		}
	}
	_, err := q.Exec(ctx)
	return refusedValue(err, e.Shape.Link)
}

// checkLastAdmin refuses to leave the tenant without an active administrator. The others
// are looked for without locks, which would lie on the whole tenant, and the ones that are
// found are locked: the server beside us does not take turns.
func (e PersonEdit) checkLastAdmin(ctx context.Context, tx bun.Tx, before User) error {
	if before.Role != RoleAdmin || !before.Active || e.Role == RoleAdmin && e.Active {
		return nil
	}
	var others, left []int64
	q := tx.NewSelect().Table("users").Column("id").Where("tenant_id = ?", e.TenantID).Where("role = ?", RoleAdmin).Where("is_active = 1").
		Where("id <> ?", e.ID).Order("id").Limit(10)
	if err := q.Scan(ctx, &others); err != nil {
		return err
	}
	if len(others) == 0 {
		return e.lastAdmin()
	}
	err := tx.NewSelect().Table("users").Column("id").Where("id IN (?)", bun.List(others)).Where("role = ?", RoleAdmin).Where("is_active = 1").
		Order("id").For("UPDATE").Scan(ctx, &left)
	if err != nil || len(left) > 0 {
		return err
	}
	return e.lastAdmin()
}

func (e PersonEdit) lastAdmin() error {
	var m mistakes
	field := FieldActive
	if e.Role != RoleAdmin {
		field = FieldRole
	}
	m.note(field, invalid("Это последний активный администратор компании: сначала назначьте другого",
		"This is the company's last active administrator: appoint another one first"))
	return m.err()
}

// checkLink refuses an external id that somebody else of the tenant holds. Its locks are
// on the rows and the gap of that id alone: a sync that gives it to somebody at the same
// time waits, and sees afterwards whose it is.
func (e PersonEdit) checkLink(ctx context.Context, tx bun.Tx) error {
	if e.Link == "" {
		return nil
	}
	var holders []User
	err := e.Shape.pick(tx.NewSelect()).Where("tenant_id = ?", e.TenantID).Where("? = ?", e.Shape.column(), e.Link).
		Where("id <> ?", e.ID).Order("id").For("UPDATE").Scan(ctx, &holders)
	if err != nil {
		return err
	}
	for _, holder := range holders {
		if holder.Link == e.Link { // the collation may call more of them equal
			return &MistakesError{[]Mistake{{Field: FieldLink, Holder: holder, Message: crm.Text{
				RU: "Этот номер уже у другого человека", EN: "Somebody else has this number already",
			}}}}
		}
	}
	return nil
}

// endSignIns ends what a person is signed in by once deactivated, here and in the other
// server's "stay signed in", and the one-time links when the address changes: one that
// comes back to the old address must not find them again.
func endSignIns(ctx context.Context, tx bun.Tx, before, after User) error {
	gone := before.Active && !after.Active
	if gone {
		if _, err := tx.NewDelete().Model((*Session)(nil)).Where("user_id = ?", after.ID).Exec(ctx); err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Table("users").Set("remember_token = NULL").Where("id = ?", after.ID).Exec(ctx); err != nil {
			return err
		}
	}
	if gone || before.Email != after.Email {
		_, err := tx.NewDelete().Model((*recoveryRow)(nil)).Where("user_id = ?", after.ID).Exec(ctx)
		return err
	}
	return nil
}

// nameHolder adds who has the address already, when that is one of the tenant's own
// people. It asks the same question whoever it is, so that neither words nor work tell
// anything of another tenant.
func (s *Store) nameHolder(ctx context.Context, e PersonEdit, err error) error {
	var found *MistakesError
	if !errors.As(err, &found) || !found.Mistakes[0].taken || found.Mistakes[0].Field != FieldEmail {
		return err
	}
	var holders []User
	if err := s.read(ctx, "find who has the address", func(ctx context.Context) error {
		holders = nil
		return s.db.NewSelect().Table("users").Column("id", "name").Where("tenant_id = ?", e.TenantID).
			Where("email = ?", usersync.Normalize(e.Email)).Where("id <> ?", e.ID).Limit(1).Scan(ctx, &holders)
	}); err != nil {
		return err
	}
	if len(holders) > 0 {
		found.Mistakes[0].Holder = holders[0]
	}
	return found
}
