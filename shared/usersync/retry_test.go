package usersync

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

func TestRetryIsPatientByKindOfFailure(t *testing.T) {
	t.Parallel()
	deadlock := fmt.Errorf("write: %w", &mysql.MySQLError{Number: 1213})
	for _, c := range []struct {
		name       string
		err        error
		least, all int // attempts
	}{
		{"a deadlock", deadlock, maxContention + 1, maxContention + 1},
		{"a lost connection", errCut, 15, 30},
		{"a server that never answers", context.DeadlineExceeded, 1, 1},
		{"a missing right", &mysql.MySQLError{Number: 1142}, 1, 1},
		{"success", nil, 1, 1},
	} {
		e := &Engine{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
		attempts := 0
		err := e.retry(context.Background(), 1, func(context.Context) error { attempts++; return c.err })
		if !errors.Is(err, c.err) || attempts < c.least || attempts > c.all {
			t.Errorf("%s: %d attempts, %v", c.name, attempts, err)
		}
	}
}

func TestRetryDoesNotCutAnAttemptOffButStopsAfterIt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	attempts := 0
	err := (&Engine{}).retry(ctx, 1, func(ctx context.Context) error {
		attempts++
		cancel()
		if ctx.Err() != nil {
			t.Error("the attempt's context ended with the run's")
		}
		return errCut
	})
	if !errors.Is(err, context.Canceled) || attempts != 1 {
		t.Errorf("%d attempts, %v", attempts, err)
	}
}
