package usersync

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"booking/shared/crm"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                      "",
		"plain":                 "plain",
		"\ta\n":                 "a",
		"\u00a0Анна\t":          "Анна",
		"e\u0301":               "é",
		"a\r\nb\u2028c\x1b[31m": "a  b c [31m",
		"a\x00b":                "a\x00b",
		"a\xffb":                "a\uFFFDb",
		"\u0085x":               "x",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
		if again := Clean(Clean(in)); again != want {
			t.Errorf("Clean of the clean %q = %q", want, again)
		}
	}
}

// peopleFrom reads what a plugin streams.
func peopleFrom(f crm.PeopleFunc) (got []Person, p *People, l *listener, complete Complete, err error) {
	l = &listener{}
	p = &People{Plugin: f, Request: crm.PeopleRequest{Tenant: crm.Tenant{ID: 1}}, Events: l}
	complete, err = p.Read(context.Background(), func(person Person) error { got = append(got, person); return nil })
	return got, p, l, complete, err
}

func TestPeopleOfAPluginAreCleanedAndCounted(t *testing.T) {
	t.Parallel()
	got, p, l, complete, err := peopleFrom(func(_ context.Context, _ crm.PeopleRequest, out crm.PeopleEvents) error {
		return errors.Join(
			out.Person(crm.Person{ExternalID: " 7 ", Name: "Анна\n", Email: " A@x ", Phone: "\t1", Position: "e\u0301"}),
			out.Progress(crm.Progress{Stage: crm.StageWriting, Done: 1, Requests: 3}),
			out.Person(crm.Person{ExternalID: "8"}))
	})
	if err != nil || complete.People != 2 || p.Requests() != 3 {
		t.Errorf("complete %+v, requests %d, error %v", complete, p.Requests(), err)
	}
	want := []Person{{ExternalID: "7", Name: "Анна", Email: "A@x", Phone: "1", Position: "é"}, {ExternalID: "8"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("people (-want +got):\n%s", diff)
	}
	if len(l.progress) != 1 || l.progress[0].Stage != crm.StageReading {
		t.Errorf("progress %+v: a reading reads", l.progress)
	}
}

func TestAFailedReadingOfAPluginHasNoPeople(t *testing.T) {
	t.Parallel()
	away := crm.NewError(crm.CodePortalUnreachable, crm.Text{RU: "Нет."}, nil)
	_, _, _, complete, err := peopleFrom(func(_ context.Context, _ crm.PeopleRequest, out crm.PeopleEvents) error {
		return errors.Join(out.Person(crm.Person{ExternalID: "7"}), away)
	})
	if !errors.Is(err, away) || complete != (Complete{}) {
		t.Errorf("complete %+v, error %v", complete, err)
	}
}
