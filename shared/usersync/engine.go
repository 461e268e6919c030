package usersync

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// Engine carries out runs on one database. It keeps nothing between two of them
// and may be used by several goroutines at once.
type Engine struct {
	// DB comes from [OpenDB]; the account needs no more than [Grants] gives.
	DB *bun.DB
	// Column of users that holds the link.
	Column string
	// Clock and Random are injected for tests; nil means the real ones.
	Clock  func() time.Time
	Random io.Reader
	// Sleep waits between two tries, or returns the context's error; nil waits really.
	Sleep func(context.Context, time.Duration) error
	// chunkRows is the most people in a chunk; 0 means the constant. Tests want many
	// chunks of few people.
	chunkRows int
}

// ErrFenced is in the chain of a run's error when its row in crm_runs does not hold
// its fence any more: somebody else has the right to write now, and this run wrote
// nothing since. The code is crm.CodeInternal.
var ErrFenced = errors.New("the run's fence is gone")

// ErrStalePreview is in the chain of a run's error when it was to apply a preview
// and would decide otherwise now; nothing was written. The code is crm.CodeInternal.
var ErrStalePreview = errors.New("the plan differs from the preview")

const (
	// maxRounds is how often people are looked at whose rows somebody else changes
	// between reading and writing.
	maxRounds = 5
	// progressEvery people of a reading there is a progress event: a portal's page.
	progressEvery = 50
)

// run is one call of Engine.Run.
type run struct {
	*Engine
	request Request
	events  crm.Events
	// column is the Engine's Column, which Request.check vouches for.
	column string
	// link is its type, known from the first plan on; linkIndex is an index of it, once
	// one was needed.
	link      textType
	linkIndex string
	ledger    ledger
	// prepared are the INSERTs that filled a chunk, by their text; nil is not
	// prepared yet. A run has few of them.
	prepared map[string]*sql.Stmt
	// again counts the units of a round that must be looked at again; collided are
	// the people (by place in the ledger) for whom a unique key was the reason.
	again    int
	collided map[int]bool
}

// Run reads the source to its end, plans, and (but for a preview) writes. Nothing
// is written unless the reading is complete (rule 13). When ctx ends it stops
// between two chunks: the error has code crm.CodeCancelled and wraps ctx.Err(), and
// what was written stays, whole. Errors of the database are *crm.Error with
// crm.CodeDatabase; see also [ErrFenced] and [ErrStalePreview].
func (e *Engine) Run(ctx context.Context, request Request, source Source, events crm.Events) (crm.SyncResult, error) {
	if err := request.check(e.Column); err != nil {
		return crm.SyncResult{}, err
	}
	r := &run{Engine: e.ready(), request: request, events: events, column: e.Column,
		prepared: make(map[string]*sql.Stmt), collided: make(map[int]bool)}
	defer r.forget()
	result, err := r.carryOut(ctx, source)
	if err != nil && ctx.Err() != nil && !errors.Is(err, ErrFenced) {
		return crm.SyncResult{}, r.cancelled(ctx.Err())
	}
	return result, err
}

// ready fills in what was left at zero.
func (e *Engine) ready() *Engine {
	ready := *e
	if ready.Clock == nil {
		ready.Clock = time.Now
	}
	if ready.Random == nil {
		ready.Random = rand.Reader
	}
	if ready.chunkRows == 0 {
		ready.chunkRows = chunkRows
	}
	return &ready
}

func (r *run) carryOut(ctx context.Context, source Source) (crm.SyncResult, error) {
	people, err := r.read(ctx, source)
	if err != nil {
		return crm.SyncResult{}, err
	}
	carryOut := r.apply
	if r.request.Mode == crm.ModePreview {
		carryOut = r.preview
	}
	hash, err := carryOut(ctx, people)
	if err != nil {
		return crm.SyncResult{}, err
	}
	result := r.ledger.result()
	result.Portal, result.PlanHash = r.request.Portal, hash
	return result, nil
}

// read takes the whole source into memory and compares it with its own count.
func (r *run) read(ctx context.Context, source Source) ([]Person, error) {
	var people []Person
	read := 0
	complete, err := source.Read(ctx, func(p Person) error {
		people = append(people, p)
		if read++; read%progressEvery != 0 {
			return nil
		}
		return r.events.Progress(crm.Progress{Stage: crm.StageReading, Done: read})
	})
	if err != nil {
		return nil, fmt.Errorf("read the portal's people: %w", err)
	}
	if complete.People != read {
		return nil, crm.NewError(crm.CodePortalAnswer, crm.Text{
			RU: fmt.Sprintf("Портал сообщил о %d сотрудниках, а прислал %d: список неполон, ничего не изменено. Повторите синхронизацию.", complete.People, read),
			EN: fmt.Sprintf("The portal spoke of %d people and sent %d: the list is incomplete, nothing was changed. Run the sync again.", complete.People, read),
		}, nil)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return people, r.events.Progress(crm.Progress{Stage: crm.StageReading, Done: read, Total: read})
}

// cancelled says how far the run came.
func (r *run) cancelled(cause error) error {
	return crm.NewError(crm.CodeCancelled, crm.Text{
		RU: fmt.Sprintf("Синхронизация остановлена: обработано %d из %d сотрудников, записанное сохранено целиком. Следующий запуск закончит работу.", r.ledger.settled, len(r.ledger.people)),
		EN: fmt.Sprintf("The sync was stopped: %d of %d people are done, what was written is whole. The next run finishes the work.", r.ledger.settled, len(r.ledger.people)),
	}, cause)
}
