package crmhost_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/crmtest"
)

func asError(err error, target **crm.Error) bool { return errors.As(err, target) }

func TestStartDescribes(t *testing.T) {
	t.Parallel()
	p, log := start(t)
	d := p.Description()
	if d.Name != "fake" || d.Version != "1.2.3" || len(d.Fields) != len(crmtest.FakeDescription().Fields) {
		t.Errorf("description: %+v", d)
	}
	if p.PID() == 0 || gone(p.PID()) {
		t.Error("the plugin is no process of its own")
	}
	if got := log.records(t, "plugin started"); len(got) != 1 || got[0]["plugin"] != "fake" {
		t.Errorf("start log: %v", got)
	}
	p.Stop(t.Context())
	if !gone(p.PID()) {
		t.Error("the plugin lives on after Stop")
	}
	if err := p.Err(); err != nil {
		t.Errorf("a wanted end is an error: %v", err)
	}
	if _, err := do(p, ""); crm.CodeOf(err) != crm.CodePluginLost {
		t.Errorf("a call after the end: %v", err)
	}
	if log := log.String(); strings.Contains(log, `"WARN"`) || strings.Contains(log, `"ERROR"`) {
		t.Errorf("an ordinary life is no reason for warnings:\n%s", log)
	}
}

// Each way in which a program can fail to be a plugin, and what people are told.
func TestStartFailures(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]struct {
		code  crm.Code
		parts []string
	}{
		"true":             {crm.CodePluginAnswer, []string{"exit status 0", "without a plugin's handshake"}},
		"exit":             {crm.CodePluginAnswer, []string{"exit status 3", "cannot read my configuration"}},
		"usage":            {crm.CodePluginAnswer, []string{"usage: something else"}},
		"long":             {crm.CodePluginAnswer, nil},
		"protocol 0":       {crm.CodePluginAnswer, []string{"protocol 0", "the plugin is too old"}},
		"protocol 99":      {crm.CodePluginAnswer, []string{"protocol 99", "the host is too old"}},
		"netrpc":           {crm.CodePluginAnswer, []string{"netrpc"}},
		"elsewhere":        {crm.CodePluginAnswer, []string{"socket folder"}},
		"describe name":    {crm.CodePluginAnswer, []string{`"another"`}},
		"describe version": {crm.CodePluginAnswer, []string{`"9.9.9"`, `"1.2.3"`}},
		"describe column":  {crm.CodePluginAnswer, []string{"password"}},
		"panic":            {crm.CodePluginLost, []string{"panic: no CRM at https://fake.example/*** today"}},
		"signal":           {crm.CodePluginLost, []string{"terminated"}},
		"describe exit":    {crm.CodePluginLost, []string{"exit status 4"}},
		"describe panic":   {crm.CodePluginLost, []string{"panic: lost in Describe"}},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			o, _ := options(t, fault)
			p, err := crmhost.Start(t.Context(), o)
			if err == nil {
				p.Kill()
				t.Fatal("it started")
			}
			wantCode(t, err, want.code, want.parts...)
			if strings.Contains(err.Error(), "0123456789abcdef") {
				t.Errorf("the error holds what follows the host's name in an address: %v", err)
			}
			if strings.ContainsAny(err.Error(), "\n\x1b") || len(err.Error()) > 4000 {
				t.Errorf("not one clean line: %q", err)
			}
		})
	}
}

// Nothing that does not answer is waited for longer than the start timeout.
func TestStartTimeout(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"silent", "freeze", "mute", "describe hang"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			o, _ := options(t, fault)
			o.StartTimeout = 2 * time.Second
			_, err := crmhost.Start(t.Context(), o)
			wantCode(t, err, crm.CodePluginAnswer, "did not answer within 2s")
		})
	}
}

// A handshake behind which nobody listens is a plugin that is not there.
func TestStartNobodyListens(t *testing.T) {
	t.Parallel()
	o, _ := options(t, "nobody")
	o.StartTimeout = 2 * time.Second
	_, err := crmhost.Start(t.Context(), o)
	wantCode(t, err, crm.CodePluginAnswer)
}

func TestStartCancelled(t *testing.T) {
	t.Parallel()
	o, _ := options(t, "silent")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := crmhost.Start(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// What a plugin says about itself reaches pages and terminals.
func TestDescriptionIsCleaned(t *testing.T) {
	t.Parallel()
	o, _ := options(t, "describe dirt")
	p, err := crmhost.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	if got, want := p.Description().Title.EN, "Example [31m CRM"; got != want {
		t.Errorf("title %q, want %q", got, want)
	}
	if got := p.Description().Capabilities; !slices.Equal(got, crmtest.FakeDescription().Capabilities) {
		t.Errorf("capabilities %v: unknown ones are left out", got)
	}
}
