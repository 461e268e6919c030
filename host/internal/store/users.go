package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"
	"golang.org/x/crypto/bcrypt"

	"booking/host/internal/problem"
	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/usersync"
)

// The roles that AddUser gives. (super_admin belongs to no tenant and is made by hand.)
const (
	RoleAdmin    = "admin"
	RoleManager  = "manager"
	RoleEmployee = "employee"
)

// hashCost is the bcrypt cost of the existing server's passwords.
const hashCost = 12

// User is a row of users as lists show it; never its password.
type User struct {
	ID       int64
	TenantID int64 // 0 for NULL: a super administrator
	Name     string
	Email    string
	Role     string
	Active   bool
	Phone    string
	Position string
	Link     string // the external id; "" for NULL too
}

// NewUser is a person who can sign in.
type NewUser struct {
	TenantID int64
	Email    string
	Name     string
	Role     string // admin, manager or employee
	Password secret.Text
}

// userRow is what AddUser writes.
type userRow struct {
	bun.BaseModel `bun:"table:users"`

	ID        int64     `bun:"id,pk,autoincrement"`
	TenantID  int64     `bun:"tenant_id"`
	Name      string    `bun:"name"`
	Email     string    `bun:"email"`
	Password  string    `bun:"password"`
	Role      string    `bun:"role"`
	Active    bool      `bun:"is_active"`
	CreatedAt time.Time `bun:"created_at"`
	UpdatedAt time.Time `bun:"updated_at"`
}

// AddUser makes a user of a tenant that exists and is not deleted. The address is
// trimmed and lower-cased; one that anybody holds, in any tenant, is ErrDuplicate.
// Values that break a rule are ErrInvalid. The password is kept as bcrypt, cost 12,
// in the form $2y$ that the existing server checks.
func (s *Store) AddUser(ctx context.Context, u NewUser) (User, error) {
	u.Email, u.Name = usersync.Normalize(u.Email), strings.TrimSpace(u.Name)
	if err := u.check(); err != nil {
		return User{}, err
	}
	tenant, err := s.Tenant(ctx, u.TenantID)
	if err != nil {
		return User{}, err
	}
	if err := tenant.Refusal(); errors.Is(err, ErrTenantDeleted) {
		return User{}, err
	}
	hash, err := hashPassword(u.Password)
	if err != nil {
		return User{}, err
	}
	row := userRow{
		TenantID: u.TenantID, Name: u.Name, Email: u.Email, Password: hash, Role: u.Role, Active: true,
		CreatedAt: s.now(), UpdatedAt: s.now(),
	}
	err = s.write(ctx, "add a user", func(ctx context.Context, tx bun.Tx) error {
		row.ID = 0
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return err
		}
		// Nobody is signed in at a command: the change has no author.
		return s.addAudit(ctx, tx, personAudit(Account{}, u.TenantID, row.ID, newcomerChanges(User{Name: u.Name, Email: u.Email, Role: u.Role, Active: true})))
	})
	if number(err) == duplicateKey {
		// Whose it is stays unsaid: it may be another tenant's.
		return User{}, problem.New(ErrDuplicate, crm.Text{
			RU: fmt.Sprintf("Адрес %s уже занят", u.Email), EN: fmt.Sprintf("The address %s is already taken", u.Email),
		}, nil)
	}
	if err != nil {
		return User{}, err
	}
	return User{ID: row.ID, TenantID: u.TenantID, Name: u.Name, Email: u.Email, Role: u.Role, Active: true}, nil
}

// duplicateKey is the server's number for a unique key that is violated. users has
// one beside its primary key, on email.
const duplicateKey = 1062

func (u NewUser) check() error {
	if err := checkName(u.Name); err != nil {
		return err
	}
	if err := checkAddress(u.Email); err != nil {
		return err
	}
	if u.Role != RoleAdmin && u.Role != RoleManager && u.Role != RoleEmployee {
		return invalid("Роль: admin, manager или employee", "The role is admin, manager or employee")
	}
	if u.Password.Empty() {
		return invalid("Пароль не может быть пустым", "The password must not be empty")
	}
	return nil
}

func checkAddress(email string) error {
	if !isAddress(email) {
		return invalid("Нужен адрес почты, например anna@example.com", "An e-mail address is needed, for example anna@example.com")
	}
	return nil
}

// isAddress asks only for what no address can lack; whether mail arrives there is
// found out by mail.
func isAddress(text string) bool {
	local, host, found := strings.Cut(text, "@")
	return found && local != "" && host != "" && !strings.Contains(host, "@") &&
		utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxText &&
		!strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
}

// hashPassword makes bcrypt's $2y$ form, which is the $2a$ of x/crypto by another
// name. PHP refuses a NUL in a password, and bcrypt reads 72 bytes at most.
func hashPassword(password secret.Text) (string, error) {
	if strings.ContainsRune(password.Reveal(), 0) {
		return "", invalid("В пароле недопустимый символ", "The password holds a character that is not allowed")
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password.Reveal()), hashCost)
	if errors.Is(err, bcrypt.ErrPasswordTooLong) {
		return "", invalid("Пароль длиннее 72 байт", "The password is longer than 72 bytes")
	}
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return "$2y$" + strings.TrimPrefix(string(hash), "$2a$"), nil
}

// UserFilter chooses users. The zero value is everybody, without links.
type UserFilter struct {
	// TenantID 0 is all tenants.
	TenantID int64
	// LinkColumn is the external-id column; "" leaves links out.
	LinkColumn string
	Linked     LinkState
}

// LinkState chooses by link.
type LinkState int

// The states of a link.
const (
	LinkAny LinkState = iota
	LinkedOnly
	UnlinkedOnly
)

// Users lists users by id, row by row: a long list needs no memory. The iteration
// ends after the first error. Where the link column is not there yet, nobody is
// linked; phone and position are empty where their columns are not there.
func (s *Store) Users(ctx context.Context, filter UserFilter) iter.Seq2[User, error] {
	return func(yield func(User, error) bool) {
		if err := s.eachUser(ctx, filter, yield); err != nil {
			yield(User{}, databaseError("list users", err))
		}
	}
}

func (s *Store) eachUser(ctx context.Context, filter UserFilter, yield func(User, error) bool) error {
	there, err := s.userColumns(ctx, filter.LinkColumn, "phone", "position")
	if err != nil || filter.Linked == LinkedOnly && !there[filter.LinkColumn] {
		return err
	}
	q := s.db.NewSelect().Table("users").Column("id").
		ColumnExpr("COALESCE(tenant_id, 0)").Column("name", "email", "role", "is_active").
		ColumnExpr("?", orEmpty("phone", there)).ColumnExpr("?", orEmpty("position", there)).
		ColumnExpr("?", orEmpty(filter.LinkColumn, there)).Order("id")
	if filter.TenantID != 0 {
		q.Where("tenant_id = ?", filter.TenantID)
	}
	switch filter.Linked {
	case LinkAny:
	case LinkedOnly:
		q.Where("? <> ''", orEmpty(filter.LinkColumn, there))
	case UnlinkedOnly:
		q.Where("? = ''", orEmpty(filter.LinkColumn, there))
	}
	rows, err := q.Rows(ctx)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var u User
		if err := rows.Scan(&u.ID, &u.TenantID, &u.Name, &u.Email, &u.Role, &u.Active, &u.Phone, &u.Position, &u.Link); err != nil {
			return err
		}
		if !yield(u, nil) {
			return nil
		}
	}
	return rows.Err()
}
