package crm

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"booking/shared/crm/internal/crmpb"
	"booking/shared/secret"
)

func sound() Description {
	return Description{
		Name: "fake", Version: "1.2.3", Title: Text{RU: "Подделка", EN: "Fake"},
		Capabilities:     []Capability{CapabilitySyncUsers, "of_tomorrow"},
		ExternalIDColumn: "fake_user_id", MigrationSet: "fake",
		Fields: []Field{
			{Key: "webhook_url", Label: Text{RU: "Вебхук"}, Type: FieldText, Required: true, Secret: true},
			{Key: "leavers", Label: Text{EN: "Leavers"}, Type: FieldChoice, Default: "keep", Choices: []Choice{{Value: "keep"}, {Value: "deactivate"}}},
		},
	}
}

// Every unary call: the request arrives as it was sent, the answer as it was given.
func TestUnaryCalls(t *testing.T) {
	t.Parallel()
	settings := Settings{"webhook_url": secret.New("https://portal.example/rest/1/abc/"), "leavers": secret.New("keep")}
	var got []any
	impl := &fakePlugin{
		describe:  func(context.Context) (Description, error) { return sound(), nil },
		configure: func(_ context.Context, c Configuration) error { got = append(got, c); return nil },
		migrate: func(_ context.Context, m Migration) (MigrationResult, error) {
			got = append(got, m)
			return MigrationResult{Applied: []string{"20260901_link"}}, nil
		},
		checkSettings: func(_ context.Context, s Settings) (SettingsCheck, error) {
			got = append(got, s)
			return SettingsCheck{Portal: "portal.example", Problems: []FieldProblem{{Key: "leavers", Message: Text{RU: "нет"}}}}, nil
		},
		checkConnection: func(_ context.Context, r ConnectionRequest) (ConnectionCheck, error) {
			got = append(got, r)
			return ConnectionCheck{Findings: []Finding{{Code: "scope", OK: true, Message: Text{RU: "да", EN: "yes"}}}}, nil
		},
	}
	client, ctx := dial(t, impl), t.Context()
	cfg := Configuration{DSN: secret.New("u:p@/db"), Locale: "en", HTTPPortals: []string{"127.0.0.1:80"}, Proxy: secret.New("http://p"), LimitWait: 15 * time.Minute}
	migration := Migration{DSN: secret.New("root@/db")}
	request := ConnectionRequest{Tenant: Tenant{ID: 7, Name: "ООО"}, Settings: settings}

	answers := []any{
		must(t)(client.Describe(ctx)),
		client.Configure(ctx, cfg),
		must(t)(client.Migrate(ctx, migration)),
		must(t)(client.CheckSettings(ctx, settings)),
		must(t)(client.CheckConnection(ctx, request)),
	}
	if diff := cmp.Diff([]any{cfg, migration, settings, request}, got, secrets); diff != "" {
		t.Errorf("requests (-sent +arrived):\n%s", diff)
	}
	want := []any{
		sound(), nil, MigrationResult{Applied: []string{"20260901_link"}},
		SettingsCheck{Portal: "portal.example", Problems: []FieldProblem{{Key: "leavers", Message: Text{RU: "нет"}}}},
		ConnectionCheck{Findings: []Finding{{Code: "scope", OK: true, Message: Text{RU: "да", EN: "yes"}}}},
	}
	if diff := cmp.Diff(want, answers); diff != "" {
		t.Errorf("answers (-given +arrived):\n%s", diff)
	}
}

func must(t *testing.T) func(any, error) any {
	return func(v any, err error) any {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestEveryCodeSurvivesTheWire(t *testing.T) {
	t.Parallel()
	retry := time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC)
	var give error
	client := dial(t, &fakePlugin{
		migrate:   func(context.Context, Migration) (MigrationResult, error) { return MigrationResult{}, give },
		syncUsers: func(context.Context, SyncRequest, Events) (SyncResult, error) { return SyncResult{}, give },
	})
	for code := range knownCodes {
		give = &Error{Code: code, Message: Text{RU: "Причина", EN: "Reason"}, RetryAt: retry, Err: errors.New("password=hunter2")}
		_, unary := client.Migrate(t.Context(), Migration{})
		_, stream := client.SyncUsers(t.Context(), request(), &recorder{})
		for call, err := range map[string]error{"unary": unary, "stream": stream} {
			want := &Error{Code: code, Message: Text{RU: "Причина", EN: "Reason"}, RetryAt: retry}
			if diff := cmp.Diff(want, asError(t, err)); diff != "" {
				t.Errorf("%s %s (-given +arrived):\n%s", call, code, diff)
			}
		}
	}
}

func asError(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T), want an *Error", err, err)
	}
	return e
}

func TestErrorsOutsideTheContract(t *testing.T) {
	t.Parallel()
	var none *Error
	for name, c := range map[string]struct {
		give error
		want Code
	}{
		"plain":            {errors.New("dial tcp: password=hunter2"), CodeInternal},
		"nil *Error":       {none, CodeInternal},
		"wrapped":          {errors.Join(errors.New("read people"), NewError(CodeUnauthorized, Text{RU: "нет"}, nil)), CodeUnauthorized},
		"unknown code":     {NewError("made_up", Text{EN: "what"}, nil), CodePluginAnswer},
		"no code":          {&Error{}, CodePluginAnswer},
		"its own deadline": {context.DeadlineExceeded, CodeInternal},
		"its own cancel":   {context.Canceled, CodeInternal},
		"not UTF-8":        {NewError(CodeDatabase, Text{RU: "\xff", EN: "\xff"}, nil), CodeDatabase},
		"a megabyte":       {NewError(CodeDatabase, Text{RU: strings.Repeat("ж", 1<<20), EN: strings.Repeat("x", 1<<20)}, nil), CodeDatabase},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := dial(t, &fakePlugin{
				configure: func(context.Context, Configuration) error { return c.give },
				syncUsers: func(context.Context, SyncRequest, Events) (SyncResult, error) { return SyncResult{}, c.give },
			})
			_, stream := client.SyncUsers(t.Context(), request(), &recorder{})
			for call, err := range map[string]error{"unary": client.Configure(t.Context(), Configuration{}), "stream": stream} {
				if got := asError(t, err); got.Code != c.want || strings.Contains(got.Error(), "hunter2") || got.Message == (Text{}) || len(got.Message.RU) > maxTextBytes {
					t.Errorf("%s: %v, want %s, a message and no secret", call, got, c.want)
				}
			}
		})
	}
}

func TestPanicFailsTheCallAndNotTheProcess(t *testing.T) {
	t.Parallel()
	client := dial(t, &fakePlugin{describe: func(context.Context) (Description, error) { return sound(), nil }})
	_, stream := client.SyncUsers(t.Context(), request(), &recorder{})
	_, unary := client.Migrate(t.Context(), Migration{})
	if CodeOf(stream) != CodeInternal || CodeOf(unary) != CodeInternal {
		t.Errorf("stream %v, unary %v, want internal", stream, unary)
	}
	if _, err := client.Describe(t.Context()); err != nil {
		t.Errorf("after the panics: %v", err)
	}
}

func TestUnaryCallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{}, 2)
	entered := make(chan struct{}, 2)
	client := dial(t, &fakePlugin{configure: func(ctx context.Context, _ Configuration) error {
		entered <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
		return ctx.Err()
	}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	if err := client.Configure(ctx, Configuration{}); CodeOf(err) != CodeCancelled || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	within(t, "the plugin's context ends", ended)
	late, cancelLate := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancelLate()
	if err := client.Configure(late, Configuration{}); CodeOf(err) != CodePluginLost || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("too late: %v", err)
	}
	within(t, "the plugin's context ends", ended)
}

// What a program in another language may answer.
func TestForeignAnswers(t *testing.T) {
	t.Parallel()
	detailed, err := status.New(codes.PermissionDenied, "x").WithDetails(&crmpb.Failure{Code: "unauthorized", Message: &crmpb.Text{En: "no"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		answer *crmpb.DescribeResponse
		err    error
		want   Code
	}{
		"failure in a status of any code": {err: detailed.Err(), want: CodeUnauthorized},
		"an exception with a secret":      {err: status.Error(codes.Unknown, "Exception: hunter2"), want: CodePluginAnswer},
		"internal":                        {err: status.Error(codes.Internal, "no"), want: CodePluginAnswer},
		"cancelled by nobody":             {err: status.Error(codes.Canceled, "x"), want: CodePluginLost},
		"unavailable":                     {err: status.Error(codes.Unavailable, "x"), want: CodePluginLost},
		"late by nobody's deadline":       {err: status.Error(codes.DeadlineExceeded, "x"), want: CodePluginAnswer},
		"text that is not UTF-8":          {answer: &crmpb.DescribeResponse{Name: "\xff"}, want: CodePluginAnswer},
		"an empty description":            {answer: &crmpb.DescribeResponse{}, want: CodePluginAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := dialForeign(t, &foreignPlugin{describe: func() (*crmpb.DescribeResponse, error) { return c.answer, c.err }})
			_, err := client.Describe(t.Context())
			if CodeOf(err) != c.want || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	t.Run("another program", func(t *testing.T) {
		t.Parallel()
		if _, err := dialForeign(t, &foreignPlugin{}).Describe(t.Context()); CodeOf(err) != CodePluginAnswer {
			t.Errorf("unimplemented: %v, want plugin_answer", err)
		}
	})
	t.Run("a check that looked at nothing", func(t *testing.T) {
		t.Parallel()
		client := dialForeign(t, &foreignPlugin{checkConnection: func() (*crmpb.CheckConnectionResponse, error) { return &crmpb.CheckConnectionResponse{}, nil }})
		if _, err := client.CheckConnection(t.Context(), ConnectionRequest{}); CodeOf(err) != CodePluginAnswer {
			t.Errorf("no findings: %v, want plugin_answer", err)
		}
	})
}
