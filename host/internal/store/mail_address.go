package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/crm"
	"booking/shared/usersync"
)

// addressPage is how many changes one transaction of StepAddresses looks at.
const addressPage = 500

// AddressChange is an address of a person that was replaced by another one.
type AddressChange struct {
	// Cause names the change, so that it is told once.
	Cause            string
	TenantID, UserID int64
	RunID            int64 // 0: by hand
	Old, New         string
	// Portal or By says who did it: a CRM's portal, or a person by name.
	Portal, By string
}

// QueueAddressNotice queues the mail that tells the old address, in the transaction
// that changes it. An empty Cause is a new one: a change by hand happens once.
func QueueAddressNotice(ctx context.Context, tx bun.Tx, c AddressChange) error {
	if c.Cause == "" {
		c.Cause = "address:" + rand.Text()
	}
	mail, worth := c.mail()
	if !worth {
		return nil
	}
	return queueMails(ctx, tx, mail)
}

// mail is the notice about a change; worth is false where there is nobody to tell.
func (c AddressChange) mail() (mail QueuedMail, worth bool) {
	if !isAddress(c.Old) || usersync.Normalize(c.Old) == usersync.Normalize(c.New) {
		return QueuedMail{}, false
	}
	return QueuedMail{
		Cause: c.Cause, Kind: MailAddress, Lane: LanePlain, TenantID: c.TenantID, UserID: c.UserID, RunID: c.RunID, Recipient: c.Old,
		Data: MailData{NewAddress: MaskAddress(c.New), Portal: c.Portal, By: c.By},
	}, true
}

// MaskAddress shows of an address what its owner recognises and nobody else can use:
// the first letter and the host.
func MaskAddress(address string) string {
	at := strings.LastIndex(address, "@")
	if at < 0 {
		return "***"
	}
	first := ""
	if letters := []rune(address[:at]); len(letters) > 2 { // of a short name one letter is too much
		first = string(letters[0])
	}
	return first + "***" + address[at:]
}

// QueueAddressNotices carries out a claimed StepAddresses: for every person whose
// address the run has changed it queues the mail to the old one. Each page is a
// transaction that also says how far the step has come, so that a host which goes on
// after another one has died begins there; the cause of a mail is its change.
func (s *Store) QueueAddressNotices(ctx context.Context, step QueuedMail, lease time.Duration) error {
	run, err := s.Run(ctx, step.RunID)
	if errors.Is(err, ErrNotFound) {
		return s.ForgetMail(ctx, step)
	}
	if err != nil {
		return err
	}
	for {
		changes, err := s.updatedPeople(ctx, step)
		if err != nil {
			return err
		}
		var mails []QueuedMail
		for _, change := range changes {
			step.Data.After = change.ID
			if mail, worth := addressChange(change, run).mail(); worth {
				mails = append(mails, mail)
			}
		}
		last := len(changes) < addressPage
		mine, err := s.queueAddressPage(ctx, step, mails, last, lease)
		if err != nil || !mine || last {
			return err
		}
	}
}

func (s *Store) updatedPeople(ctx context.Context, step QueuedMail) ([]Change, error) {
	var changes []Change
	err := s.read(ctx, "read a run's changes", func(ctx context.Context) error {
		changes = nil
		return s.db.NewSelect().Model(&changes).Column("id", "tenant_id", "user_id", "before_values", "after_values").
			Where("c.run_id = ?", step.RunID).Where("c.id > ?", step.Data.After).
			Where("c.action IN (?)", bun.List([]crm.Action{crm.ActionUpdated, crm.ActionReactivated})).
			Order("c.id").Limit(addressPage).Scan(ctx)
	})
	return changes, err
}

func addressChange(c Change, run Run) AddressChange {
	var before, after struct{ Email string }
	_ = json.Unmarshal(c.Before, &before) // NULL, or a list of columns in which e-mail does not occur
	_ = json.Unmarshal(c.After, &after)
	if after.Email == "" {
		before.Email = ""
	}
	return AddressChange{
		Cause: causeOf("address", c.ID), TenantID: c.TenantID, UserID: c.UserID, RunID: run.ID,
		Old: before.Email, New: after.Email, Portal: run.Portal,
	}
}

func (s *Store) queueAddressPage(ctx context.Context, step QueuedMail, mails []QueuedMail, last bool, lease time.Duration) (mine bool, err error) {
	err = s.write(ctx, "tell old addresses", func(ctx context.Context, tx bun.Tx) (err error) {
		if last {
			mine, err = deleteMail(ctx, tx, step)
		} else {
			mine, err = holdMail(ctx, tx, step, lease)
		}
		if err != nil || !mine {
			return err
		}
		if err := queueMails(ctx, tx, mails...); err != nil || last {
			return err
		}
		_, err = tx.NewUpdate().Model(&step).Column("data").WherePK().Exec(ctx)
		return err
	})
	return mine, err
}

// causeOf is the cause of what happens once for a row of another table.
func causeOf(what string, id int64) string { return fmt.Sprintf("%s:%d", what, id) }
