package crmhost_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/secret"
)

// Whatever a plugin does at whatever point of its life, the host goes on: another
// plugin answers every question meanwhile, and once the fault is gone the plugin
// does, too.
func TestFaultsAtEveryPoint(t *testing.T) {
	t.Parallel()
	neighbour := supervise(t, "")
	neighbour.use()
	stop := neighbour.askedAllTheTime()
	var cells errgroup.Group
	cells.SetLimit(6) // most of a cell is waiting
	for _, c := range faultCells() {
		cells.Go(func() error {
			c.try(t)
			return nil
		})
	}
	_ = cells.Wait()
	if asked := stop(); asked < 20 {
		t.Errorf("the neighbour was asked %d times only", asked)
	}
	if s := neighbour.Status(); s.Deaths != 0 {
		t.Errorf("the neighbour died: %+v", s)
	}
}

// askedAllTheTime asks until stop is called, which says how often it was.
func (w *watched) askedAllTheTime() (stop func() int) {
	ending, ended, asked := make(chan struct{}), make(chan struct{}), 0
	go func() {
		defer close(ended)
		for {
			select {
			case <-ending:
				return
			case <-time.After(10 * time.Millisecond):
			}
			h, err := w.Use(w.t.Context())
			if err != nil {
				w.t.Errorf("the neighbour: %v", err)
				return
			}
			if err := ask(h, ""); err != nil {
				w.t.Errorf("the neighbour: %v", err)
			}
			h.Release()
			asked++
		}
	}()
	return func() int {
		close(ending)
		<-ended
		return asked
	}
}

// faultCell is one fault at one point. code is what the caller gets, empty when
// the fault is to be survived; part stands in the message.
type faultCell struct {
	point, mode string
	code        crm.Code
	part        string
}

func faultCells() []faultCell {
	var all []faultCell
	for mode, code := range map[string]crm.Code{
		"panic": crm.CodePluginLost, "exit": crm.CodePluginAnswer, "silent": crm.CodePluginAnswer, "freeze": crm.CodePluginAnswer, "usage": crm.CodePluginAnswer,
		"long": crm.CodePluginAnswer, "mute": crm.CodePluginAnswer, "garbage": crm.CodePluginAnswer,
	} {
		all = append(all, faultCell{point: "start", mode: mode, code: code})
	}
	for _, point := range []string{"describe", "configure", "migrate", "settings", "connection", "run"} {
		late := crm.CodePluginLost
		if point == "describe" {
			late = crm.CodePluginAnswer // within the start
		}
		all = append(all,
			faultCell{point, "panic", crm.CodePluginLost, "panic:"},
			faultCell{point, "exit", crm.CodePluginLost, "exit status 4"},
			faultCell{point, "leak", crm.CodePluginLost, "memory"},
			faultCell{point, "hang", late, ""},
			faultCell{point, "freeze", late, ""},
			faultCell{point, "flood", "", ""},
			faultCell{point, "garbage", "", ""},
		)
	}
	return append(all, faultCell{"run", "lie", crm.CodePluginAnswer, "add up"}, faultCell{"run", "endless", crm.CodePluginAnswer, "tells too much"})
}

func (c faultCell) try(t *testing.T) {
	inCall := c.point == "settings" || c.point == "connection" || c.point == "run"
	fault := c.point + " " + c.mode
	if inCall {
		fault = ""
	}
	w := supervise(t, strings.TrimPrefix(fault, "start "), func(s *crmhost.Supervision) {
		s.Process.StartTimeout, s.MigrateTimeout = patience, patience
		if c.point == "start" || c.mode == "hang" || c.mode == "freeze" {
			s.Process.StartTimeout, s.MigrateTimeout = 3*time.Second, 3*time.Second
		}
		if c.mode == "hang" { // a frozen process is killed, a call that hangs only ends
			s.Process.CallTimeout = time.Second
		}
		s.Process.HealthInterval, s.Process.Silence, s.Process.StopGrace = 50*time.Millisecond, 2*time.Second, time.Second
		s.Process.Limits = crmhost.Limits{Memory: 256 << 20, Events: 50_000}
		s.Patience = time.Hour
	})
	h, err := w.Use(t.Context())
	if err == nil && inCall {
		err = c.call(w, h)
	}
	if h != nil {
		h.Release()
	}
	var failure *crm.Error
	switch {
	case c.code == "" && err != nil:
		t.Errorf("%s %s: %v, want it survived", c.point, c.mode, err)
	case c.code != "" && (!asError(err, &failure) || failure.Code != c.code || !strings.Contains(err.Error(), c.part)):
		t.Errorf("%s %s: got %v, want %s with %q", c.point, c.mode, err, c.code, c.part)
	}
	w.fault("")
	w.clock.advance(time.Minute) // a restart that is due
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if h, err = w.Use(ctx); err != nil {
		t.Errorf("%s %s: it does not come back: %v", c.point, c.mode, err)
		return
	}
	defer h.Release()
	if err := ask(h, ""); err != nil {
		t.Errorf("%s %s: afterwards: %v", c.point, c.mode, err)
	}
}

// call makes the fault happen in a call. A process that hangs in one answers others.
func (c faultCell) call(w *watched, h *crmhost.Hold) error {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	var beside sync.WaitGroup
	defer beside.Wait()
	if c.mode == "hang" {
		beside.Go(func() {
			if err := ask(h, ""); err != nil {
				w.t.Errorf("%s %s: a call beside it: %v", c.point, c.mode, err)
			}
		})
	}
	settings := crm.Settings{"do": secret.New(c.mode)}
	switch c.point {
	case "settings":
		_, err := h.Plugin.CheckSettings(ctx, settings)
		return err
	case "connection":
		if c.mode == "exit" {
			settings["do"] = secret.New("exit 4")
		}
		if c.mode == "flood" {
			settings["do"] = secret.New("flood 20000")
		}
		_, err := h.Plugin.CheckConnection(ctx, crm.ConnectionRequest{Tenant: crm.Tenant{ID: 1}, Settings: settings})
		return err
	case "run":
		if c.mode == "hang" {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, time.Second)
			defer cancel()
		}
		_, err := h.Plugin.SyncUsers(ctx, crm.SyncRequest{Tenant: crm.Tenant{ID: 1}, Mode: crm.ModeApply, Settings: settings}, &recorder{})
		return err
	default:
		return fmt.Errorf("no call at %s", c.point)
	}
}
