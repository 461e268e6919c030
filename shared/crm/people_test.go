package crm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"booking/shared/crm/internal/crmpb"
	"booking/shared/secret"
)

func peopleRequest() PeopleRequest {
	return PeopleRequest{Tenant: Tenant{ID: 7, Name: "ООО"}, Settings: Settings{"file": secret.New("/x")}, RunID: 12}
}

// people is a plugin that reads as f does.
func people(f PeopleFunc) *PeoplePlugin {
	return NewPeoplePlugin(Description{Name: "csv", Version: "1", Title: Text{RU: "Файл"}, Fields: []Field{
		{Key: "file", Label: Text{RU: "Файл"}, Required: true},
		{Key: "bool", Label: Text{RU: "Да"}, Type: FieldBool},
		{Key: "ids", Label: Text{RU: "Номера"}, Type: FieldIDs},
		{Key: "choice", Label: Text{RU: "Выбор"}, Type: FieldChoice, Choices: []Choice{{Value: "a"}, {Value: "b"}}},
	}}, f)
}

// listener is a host's PeopleEvents.
type listener struct {
	people   []Person
	progress []Progress
	fail     error
}

func (l *listener) Person(p Person) error { l.people = append(l.people, p); return l.fail }
func (l *listener) Progress(p Progress) error {
	l.progress = append(l.progress, p)
	return l.fail
}

func TestPeopleArriveWithTheirEnding(t *testing.T) {
	t.Parallel()
	var got PeopleRequest
	client := dial(t, people(func(_ context.Context, r PeopleRequest, out PeopleEvents) error {
		got = r
		return errors.Join(
			out.Person(Person{ExternalID: "1", Name: "Иван\xff", Email: "i@x", Phone: "+7", Position: "врач"}),
			out.Progress(Progress{Stage: StageReading, Done: 1, Requests: 2}),
			out.Person(Person{ExternalID: "2"}))
	}))
	host := &listener{}
	if err := client.ReadPeople(t.Context(), peopleRequest(), host); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(peopleRequest(), got, secrets); diff != "" {
		t.Errorf("request (-sent +arrived):\n%s", diff)
	}
	want := []Person{{ExternalID: "1", Name: "Иван\uFFFD", Email: "i@x", Phone: "+7", Position: "врач"}, {ExternalID: "2"}}
	if diff := cmp.Diff(want, host.people); diff != "" {
		t.Errorf("people (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Progress{{Stage: StageReading, Done: 1, Requests: 2}}, host.progress); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

func TestHundredThousandPeople(t *testing.T) {
	t.Parallel()
	const many = 100_000
	client := dial(t, people(func(_ context.Context, _ PeopleRequest, out PeopleEvents) error {
		for i := range many {
			if err := out.Person(Person{ExternalID: fmt.Sprint(i + 1), Name: strings.Repeat("x", i%100)}); err != nil {
				return err
			}
		}
		return nil
	}))
	host := &listener{}
	if err := client.ReadPeople(t.Context(), peopleRequest(), host); err != nil || len(host.people) != many {
		t.Errorf("%d people, error %v", len(host.people), err)
	}
}

func TestAFailedReadingIsNeverAShortList(t *testing.T) {
	t.Parallel()
	person := &crmpb.PeopleResponse{TenantId: 7, Event: &crmpb.PeopleResponse_People{People: &crmpb.PeopleBatch{People: []*crmpb.Person{{ExternalId: "1"}}}}}
	ending := func(n int64) *crmpb.PeopleResponse {
		return &crmpb.PeopleResponse{TenantId: 7, Event: &crmpb.PeopleResponse_Complete{Complete: &crmpb.PeopleComplete{People: n}}}
	}
	failure := func(code string) *crmpb.PeopleResponse {
		return &crmpb.PeopleResponse{TenantId: 7, Event: &crmpb.PeopleResponse_Failure{Failure: &crmpb.Failure{Code: code, Message: &crmpb.Text{Ru: "Почему"}}}}
	}
	another := ending(0)
	another.TenantId = 8
	for name, c := range map[string]struct {
		events []*crmpb.PeopleResponse
		want   Code
	}{
		"just stops":                 {[]*crmpb.PeopleResponse{person}, CodePluginAnswer},
		"stops at once":              {nil, CodePluginAnswer},
		"counts more":                {[]*crmpb.PeopleResponse{person, ending(2)}, CodePluginAnswer},
		"counts fewer":               {[]*crmpb.PeopleResponse{person, person, ending(1)}, CodePluginAnswer},
		"goes on after its ending":   {[]*crmpb.PeopleResponse{ending(0), person}, CodePluginAnswer},
		"another tenant's":           {[]*crmpb.PeopleResponse{another}, CodePluginAnswer},
		"no event":                   {[]*crmpb.PeopleResponse{{TenantId: 7}}, CodePluginAnswer},
		"a failure":                  {[]*crmpb.PeopleResponse{person, failure("portal_unreachable")}, CodePortalUnreachable},
		"a failure of no known code": {[]*crmpb.PeopleResponse{failure("hmm")}, CodePluginAnswer},
		"a stage of no known name": {[]*crmpb.PeopleResponse{{TenantId: 7, Event: &crmpb.PeopleResponse_Progress{
			Progress: &crmpb.Progress{Stage: "dreaming"}}}, ending(0)}, CodePluginAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := dialForeign(t, &foreignPlugin{people: func(s grpc.ServerStreamingServer[crmpb.PeopleResponse]) error {
				for _, event := range c.events {
					if err := s.Send(event); err != nil {
						return err
					}
				}
				return nil
			}})
			if err := client.ReadPeople(t.Context(), peopleRequest(), &listener{}); err == nil || CodeOf(err) != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

func TestAReadingThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	client := dial(t, people(func(_ context.Context, r PeopleRequest, out PeopleEvents) error {
		if err := out.Person(Person{ExternalID: "1"}); err != nil {
			return err
		}
		switch r.Tenant.Name {
		case "panic":
			panic("at the disco")
		case "known":
			return fmt.Errorf("line 3: %w", NewError(CodePortalAnswer, Text{RU: "Строка 3."}, nil))
		default:
			return errors.New("https://secret.example")
		}
	}))
	for name, want := range map[string]Code{"panic": CodeInternal, "known": CodePortalAnswer, "unknown": CodeInternal} {
		r := peopleRequest()
		r.Tenant.Name = name
		err := client.ReadPeople(t.Context(), r, &listener{})
		if err == nil || CodeOf(err) != want || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := client.ReadPeople(t.Context(), PeopleRequest{}, &listener{}); CodeOf(err) != CodeInternal {
		t.Errorf("without a tenant: %v", err)
	}
}

func TestAReadingEndsWithItsHost(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	client := dial(t, people(func(ctx context.Context, _ PeopleRequest, out PeopleEvents) error {
		if err := out.Progress(Progress{Stage: StageReading}); err != nil {
			return err
		}
		<-ctx.Done()
		time.Sleep(time.Millisecond)
		err := out.Person(Person{ExternalID: "1"})
		ended <- err
		return err
	}))
	gone := errors.New("the host has seen enough")
	if err := client.ReadPeople(t.Context(), peopleRequest(), &listener{fail: gone}); !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("a source may hand over people nobody waits for")
		}
	case <-time.After(soon):
		t.Error("the reading goes on")
	}
}

func TestAPluginWithoutPeopleSaysSo(t *testing.T) {
	t.Parallel()
	client := dial(t, &fakePlugin{})
	if err := client.ReadPeople(t.Context(), peopleRequest(), &listener{}); CodeOf(err) != CodePluginAnswer {
		t.Errorf("error %v", err)
	}
}

func TestAPeoplePluginAnswersEverythingElseByItself(t *testing.T) {
	t.Parallel()
	client := dial(t, people(func(_ context.Context, r PeopleRequest, out PeopleEvents) error {
		if r.Settings.Get("file") == "none" {
			return NewError(CodePortalUnreachable, Text{RU: "Нет файла."}, nil)
		}
		return errors.Join(out.Person(Person{ExternalID: "1", Email: "a@x"}), out.Person(Person{ExternalID: "2"}))
	}))
	ctx := t.Context()
	d, err := client.Describe(ctx)
	if err != nil || !d.HostSyncs() || d.ExternalIDColumn != "csv_user_id" || d.Fields[0].Type != FieldText {
		t.Errorf("description %+v, error %v", d, err)
	}
	if err := client.Configure(ctx, Configuration{Locale: "en"}); err != nil {
		t.Error(err)
	}
	if r, err := client.Migrate(ctx, Migration{}); err != nil || len(r.Applied) > 0 {
		t.Errorf("migrated %+v, error %v", r, err)
	}
	for file, want := range map[string]Finding{
		"":     {Code: "settings", Message: Text{RU: "file: Нужно значение.", EN: "file: A value is needed."}},
		"none": {Code: "people", Message: Text{RU: "Нет файла."}},
		"some": {Code: "people", OK: true, Message: Text{RU: "Прочитано сотрудников: 2, из них с адресом почты: 1.", EN: "People read: 2, 1 of them with an e-mail address."}},
	} {
		check, err := client.CheckConnection(ctx, ConnectionRequest{Tenant: Tenant{ID: 1}, Settings: Settings{"file": secret.New(file)}})
		if diff := cmp.Diff([]Finding{want}, check.Findings); err != nil || diff != "" {
			t.Errorf("file %q: error %v (-want +got):\n%s", file, err, diff)
		}
	}
	if _, err := client.SyncUsers(ctx, request(), &recorder{}); CodeOf(err) != CodeInternal {
		t.Errorf("SyncUsers: %v", err)
	}
}

func TestSettingsAreHeldAgainstTheFields(t *testing.T) {
	t.Parallel()
	p := people(nil)
	for name, c := range map[string]struct {
		settings Settings
		want     string
	}{
		"nothing":        {nil, "file"},
		"only a space":   {Settings{"file": secret.New(" ")}, "file"},
		"everything":     {Settings{"file": secret.New("f"), "bool": secret.New("true"), "ids": secret.New("1, 2"), "choice": secret.New("b")}, ""},
		"no bool":        {Settings{"file": secret.New("f"), "bool": secret.New("да")}, "bool"},
		"no ids":         {Settings{"file": secret.New("f"), "ids": secret.New("1,0")}, "ids"},
		"no choice":      {Settings{"file": secret.New("f"), "choice": secret.New("c")}, "choice"},
		"an unknown one": {Settings{"file": secret.New("f"), "x": secret.New("")}, "x"},
		"all at once":    {Settings{"bool": secret.New("x"), "ids": secret.New("x"), "y": secret.New("")}, "file bool ids y"},
	} {
		check, err := p.CheckSettings(t.Context(), c.settings)
		var keys []string
		for _, problem := range check.Problems {
			keys = append(keys, problem.Key)
		}
		if err != nil || strings.Join(keys, " ") != c.want || (check.Portal == "csv") != (c.want == "") {
			t.Errorf("%s: problems %v, portal %q, error %v", name, keys, check.Portal, err)
		}
	}
}
