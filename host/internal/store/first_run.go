package store

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/secret"
	"booking/shared/usersync"
)

// FirstRun is the first administrator with a company, as the page of the first run asks for them.
type FirstRun struct {
	Company, Name, Email string
	Password             secret.Text
}

// firstRunCode is a row of booking_first_run_codes.
type firstRunCode struct {
	bun.BaseModel `bun:"table:booking_first_run_codes"`

	CodeHash  []byte    `bun:"code_hash,pk"`
	CreatedAt time.Time `bun:"created_at"`
	ExpiresAt time.Time `bun:"expires_at"`
}

// FirstRunOpen reports whether nobody can administer, and nobody was ever seen who
// could. Whoever looks while somebody can closes the first run for good: it does not
// come back when the last administrator is deactivated.
func (s *Store) FirstRunOpen(ctx context.Context) (bool, error) {
	var state string
	err := s.read(ctx, "look whether anybody can administer", func(ctx context.Context) error {
		return s.db.NewRaw(`SELECT CASE WHEN EXISTS (SELECT 1 FROM booking_first_run) THEN 'closed'
			WHEN EXISTS (SELECT 1 FROM users WHERE is_active = 1 AND role IN (?, ?)) THEN 'administered' ELSE 'open' END AS state`,
			RoleAdmin, RoleSuperAdmin).Scan(ctx, &state)
	})
	if err != nil || state != "administered" {
		return err == nil && state == "open", err
	}
	_, err = s.db.NewRaw("INSERT INTO booking_first_run (id, closed_at) VALUES (1, ?) ON DUPLICATE KEY UPDATE id = id", s.Clock().UTC()).Exec(ctx)
	return false, databaseError("close the first run", err)
}

// SaveFirstRunCode keeps what a code hashes to that was printed on a console.
func (s *Store) SaveFirstRunCode(ctx context.Context, hash []byte, life time.Duration) error {
	now := s.Clock().UTC()
	_, err := s.db.NewInsert().Model(&firstRunCode{CodeHash: hash, CreatedAt: now, ExpiresAt: now.Add(life)}).Exec(ctx)
	return databaseError("save the hash of a first-run code", err)
}

// FirstRunCodes returns what the codes hash to that are good now: one a start of a
// host, and not more than a hundred, so that a comparison with all of them is little work.
func (s *Store) FirstRunCodes(ctx context.Context) ([][]byte, error) {
	var hashes [][]byte
	err := s.read(ctx, "read the hashes of first-run codes", func(ctx context.Context) error {
		hashes = nil
		return s.db.NewSelect().Model((*firstRunCode)(nil)).Column("code_hash").
			Where("expires_at > ?", s.Clock().UTC()).Order("created_at DESC").Limit(100).Scan(ctx, &hashes)
	})
	return hashes, err
}

// CompleteFirstRun makes the company and its administrator and closes the first run,
// all in one transaction: of two who do it at once one gets ErrNotFound. Values that
// break a rule are a *MistakesError, and the first run stays open.
func (s *Store) CompleteFirstRun(ctx context.Context, f FirstRun) (Account, error) {
	f.Company, f.Name, f.Email = usersync.Clean(f.Company), usersync.Clean(f.Name), usersync.Normalize(f.Email)
	if err := f.mistakes(); err != nil {
		return Account{}, err
	}
	hash, err := hashPassword(f.Password)
	if err != nil {
		return Account{}, err
	}
	var id int64
	err = s.write(ctx, "make the first administrator", func(ctx context.Context, tx bun.Tx) (err error) {
		id, err = s.completeFirstRun(ctx, tx, f, hash)
		return err
	})
	if err != nil {
		return Account{}, err
	}
	return s.Account(ctx, id)
}

func (f FirstRun) mistakes() error {
	var m mistakes
	m.note(FieldCompany, checkName(f.Company))
	m.note(FieldName, checkName(f.Name))
	m.note(FieldEmail, checkAddress(f.Email))
	m.note(FieldPassword, CheckPassword(f.Password, Account{Name: f.Name, Email: f.Email}))
	if strings.ContainsRune(f.Password.Reveal(), 0) {
		m.note(FieldPassword, invalid("В пароле недопустимый символ", "The password holds a character that is not allowed"))
	}
	return m.err()
}

func (s *Store) completeFirstRun(ctx context.Context, tx bun.Tx, f FirstRun, hash string) (int64, error) {
	_, err := tx.NewRaw("INSERT INTO booking_first_run (id, closed_at) VALUES (1, ?)", s.Clock().UTC()).Exec(ctx)
	if number(err) == duplicateKey {
		return 0, noFirstRun()
	}
	if err != nil {
		return 0, err
	}
	// Somebody may have come by a command since the page was opened.
	var administered bool
	err = tx.NewRaw("SELECT EXISTS (SELECT 1 FROM users WHERE is_active = 1 AND role IN (?, ?)) AS administered", RoleAdmin, RoleSuperAdmin).Scan(ctx, &administered)
	if err != nil {
		return 0, err
	}
	if administered {
		return 0, noFirstRun()
	}
	tenant := Tenant{Name: f.Company, CreatedAt: s.now(), UpdatedAt: s.now()}
	if _, err := tx.NewInsert().Model(&tenant).Column("name", "created_at", "updated_at").Exec(ctx); err != nil {
		return 0, err
	}
	row := userRow{
		TenantID: tenant.ID, Name: f.Name, Email: f.Email, Password: hash, Role: RoleAdmin, Active: true, CreatedAt: s.now(), UpdatedAt: s.now(),
	}
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return 0, refusedValue(err, "")
	}
	by := Account{ID: row.ID, TenantID: tenant.ID, Name: f.Name}
	if err := s.addAudit(ctx, tx, personAudit(by, tenant.ID, row.ID, newcomerChanges(User{Name: f.Name, Email: f.Email, Role: RoleAdmin, Active: true}))); err != nil {
		return 0, err
	}
	_, err = tx.NewDelete().Model((*firstRunCode)(nil)).Where("1 = 1").Exec(ctx)
	return row.ID, err
}

func noFirstRun() error {
	return notFound("Администратор уже есть: войдите или спросите его", "There is an administrator already: sign in or ask them")
}
