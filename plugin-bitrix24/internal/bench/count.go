package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// counts are the server's own (userstat): what an account asked, and how many rows
// of users were inserted, updated or deleted by anybody.
type counts struct{ statements, usersChanged int }

// The server adds a statement up after it has answered it, so a count is taken when
// it does not move any more.
func (l *lab) counts(ctx context.Context, account string) (counts, error) {
	last, err := l.countsNow(ctx, account)
	for err == nil {
		time.Sleep(2 * time.Millisecond)
		var now counts
		if now, err = l.countsNow(ctx, account); now == last {
			break
		}
		last = now
	}
	return last, err
}

func (l *lab) countsNow(ctx context.Context, account string) (counts, error) {
	var c counts
	err := l.admin.NewRaw(`SELECT COALESCE(SUM(select_commands + update_commands + other_commands), 0)
		FROM information_schema.user_statistics WHERE user = ?`, account).Scan(ctx, &c.statements)
	if err != nil {
		return c, fmt.Errorf("count statements: %w", err)
	}
	err = l.admin.NewRaw(`SELECT COALESCE(SUM(rows_changed), 0) FROM information_schema.table_statistics
		WHERE table_schema = ? AND table_name = 'users'`, database).Scan(ctx, &c.usersChanged)
	if err != nil {
		return c, fmt.Errorf("count changed rows: %w", err)
	}
	return c, nil
}

func (c counts) since(before counts) counts {
	return counts{c.statements - before.statements, c.usersChanged - before.usersChanged}
}

// peak is the most memory a process ever had, in bytes (VmHWM).
func peak(pid int) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read a process's memory: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			if err != nil {
				return 0, fmt.Errorf("read a process's memory: %w", err)
			}
			return kib << 10, nil
		}
	}
	return 0, fmt.Errorf("process %d has no VmHWM", pid)
}

const mebi = 1 << 20
