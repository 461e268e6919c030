package main

import (
	"context"
	"fmt"
	"time"

	"booking/shared/benchreport"
)

const mebi = 1 << 20

// measureMemory starts booking-host serve on the lab's database, as an operator does.
func measureMemory(ctx context.Context, l *lab, r *benchreport.Report) error {
	// Nobody has a plan yet: the host makes everybody's, and then has nothing to do.
	if err := l.exec(ctx, l.forget(), "TRUNCATE TABLE crm_slots",
		"UPDATE crm_schedules SET slot_at = NULL, next_at = NULL"); err != nil {
		return err
	}
	programs, err := l.build(ctx)
	if err != nil {
		return err
	}
	file, err := l.dsnFile(l.database)
	if err != nil {
		return err
	}
	serving, err := programs.serve(ctx, "BOOKING_DSN_FILE="+file, "BOOKING_DATA_DIR="+l.data())
	if err != nil {
		return err
	}
	defer serving.end()
	planned := func() (bool, error) {
		n, err := l.count(ctx, "SELECT COUNT(*) FROM crm_schedules WHERE next_at IS NULL")
		return n == 0, err
	}
	if err := serving.until(ctx, "every tenant is planned", planned); err != nil {
		return err
	}
	resting := time.Now().Add(l.idle) // some looks of an idle host
	if err := serving.until(ctx, "it has been idle", func() (bool, error) { return time.Now().After(resting), nil }); err != nil {
		return err
	}
	peak, err := serving.status("VmHWM")
	if err != nil {
		return err
	}
	now, err := serving.status("VmRSS")
	if err != nil {
		return err
	}
	r.Add("memory", fmt.Sprintf("an idle host that serves %d tenants: memory, peak", l.tenants), float64(peak)/mebi, "MB", benchreport.AtMost, 150,
		fmt.Sprintf("VmHWM of booking-host serve, planning them included; now %d MB", now/mebi))
	return nil
}
