package usersync

import (
	"errors"
	"strings"
	"testing"

	"booking/shared/crm"
)

func TestRule3MatchesByLinkAsText(t *testing.T) {
	t.Parallel()
	check(t, []scenario{
		{"the link decides, whatever the address", world{
			people: []Person{person("7", "b@x")},
			rows:   []Row{row(1, "a@x", "7"), row(2, "c@x", "8")},
		}, []string{"7 updated #1 email=b@x"}},
		{"as text: MySQL would call 7, 07, ' 7' and 7abc equal to the number 7", world{
			people: []Person{person("7", "n@x")},
			rows:   []Row{row(1, "a@x", "07"), row(2, "b@x", " 7"), row(3, "c@x", "7abc"), row(4, "d@x", "7.0")},
		}, []string{"7 created name=Сотрудник 7 email=n@x +link"}},
		{"an external id is no users.id", world{
			people: []Person{person("7", "n@x")},
			rows:   []Row{row(7, "a@x", "")},
		}, []string{"7 created name=Сотрудник 7 email=n@x +link"}},
		{"a link goes before an address", world{
			people: []Person{person("7", "b@x")},
			rows:   []Row{row(1, "b@x", ""), row(2, "a@x", "7")},
		}, []string{"7 conflict/email_taken #2 vs #1"}},
		{"every role, active or not, is matched", world{
			people: []Person{person("7", "b@x"), person("8", "a@x")},
			rows:   []Row{withRole(row(1, "b@x", ""), "manager"), withRole(row(2, "a@x", "8"), "admin")},
		}, []string{"7 updated/linked #1 +link", "8 unchanged #2"}},
		{"an empty link is no link", world{
			people: []Person{person("", "b@x")},
			rows:   []Row{row(1, "a@x", "")},
		}, []string{" skipped/invalid:id"}},
	})
}

func TestRule3TheLowestRowOfALinkCounts(t *testing.T) {
	t.Parallel()
	check(t, []scenario{
		{"the others are reported after their person", world{
			people: []Person{person("7", "b@x"), person("8", "n@x")},
			rows:   []Row{row(5, "e@x", "7"), row(3, "c@x", "7"), row(4, "d@x", "7")},
		}, []string{
			"7 updated #3 email=b@x",
			"7 reported/duplicate_link #4 vs #3",
			"7 reported/duplicate_link #5 vs #3",
			"8 created name=Сотрудник 8 email=n@x +link",
		}},
		{"only for people of this reading", world{
			people: []Person{person("7", "c@x")},
			rows:   []Row{row(3, "c@x", "7"), row(4, "d@x", "8"), row(5, "e@x", "8")},
		}, []string{"7 unchanged #3"}},
		{"a further row keeps and holds its address, even from its own person", world{
			people: []Person{person("7", "d@x")},
			rows:   []Row{row(3, "c@x", "7"), row(4, "d@x", "7")},
		}, []string{"7 conflict/email_taken #3 vs 7#4", "7 reported/duplicate_link #4 vs #3"}},
		{"for a person who cannot be stored too", world{
			people: []Person{{ExternalID: "7", Name: "\x00", Email: "c@x"}},
			rows:   []Row{row(3, "c@x", "7"), row(4, "d@x", "7")},
		}, []string{"7 skipped/invalid:name #3", "7 reported/duplicate_link #4 vs #3"}},
	})
}

func TestRule3MatchesByAddress(t *testing.T) {
	t.Parallel()
	check(t, []scenario{
		{"letter case does not matter", world{
			people: []Person{person("7", "Ivan.PETROV@Example.COM")},
			rows:   []Row{row(1, "ivan.petrov@example.com", "")},
		}, []string{"7 updated/linked #1 +link"}},
		{"nor beyond ASCII", world{
			people: []Person{person("7", "ИВАН@пример.рф")},
			rows:   []Row{row(1, "Иван@Пример.рф", "")},
		}, []string{"7 updated/linked #1 +link"}},
		{"nor white space around it", world{
			people: []Person{person("7", "\u00a0a@x ")},
			rows:   []Row{row(1, " A@x\t", "")},
		}, []string{"7 updated/linked #1 email=a@x +link"}},
		{"an accent does: josé is not the local administrator jose", world{
			people: []Person{person("7", "josé@x")},
			rows:   []Row{withRole(row(1, "jose@x", ""), "admin")},
		}, []string{"7 conflict/email_taken vs #1"}},
		{"nor is е ё", world{
			people: []Person{person("7", "артем@x")},
			rows:   []Row{row(1, "артём@x", "")},
		}, []string{"7 conflict/email_taken vs #1"}},
		{"only a row without a link", world{
			people: []Person{person("7", "a@x")},
			rows:   []Row{row(1, "a@x", "99")},
		}, []string{"7 conflict/email_taken vs 99#1"}},
		{"of two people the lowest id gets the row", world{
			people: []Person{person("10", "a@x"), person("9", "A@x")},
			rows:   []Row{row(1, "a@x", "")},
		}, []string{"9 updated/linked #1 +link", "10 conflict/duplicate_email vs 9#1"}},
		{"an empty address matches nothing", world{
			people: []Person{person("7", "")},
			rows:   []Row{row(1, "", "")},
		}, []string{"7 skipped/no_email"}},
		{"a person who cannot be stored does not stand in the way", world{
			people: []Person{{ExternalID: "7", Name: "\x00", Email: "a@x"}, person("8", "a@x")},
			rows:   []Row{row(1, "a@x", "")},
		}, []string{"7 skipped/invalid:name", "8 updated/linked #1 +link"}},
	})
}

func TestRule3RowsThatDifferInStraySpacesOnly(t *testing.T) {
	t.Parallel()
	check(t, []scenario{
		{"the one without them comes first", world{
			people: []Person{person("7", "a@x")},
			rows:   []Row{row(1, " a@x", ""), row(2, "a@x", "")},
		}, []string{"7 updated/linked #2 +link"}},
		{"then the lowest id", world{
			people: []Person{person("7", "a@x")},
			rows:   []Row{row(2, "  a@x", ""), row(1, " a@x", "")},
		}, []string{"7 updated/linked #1 email=a@x +link"}},
		{"each of several people gets one", world{
			people: []Person{person("7", "a@x"), person("8", "a@x"), person("9", "a@x")},
			rows:   []Row{withRole(row(1, " a@x", ""), "admin"), row(2, "a@x", "")},
		}, []string{"7 updated/linked #2 +link", "8 updated/linked #1 +link", "9 conflict/duplicate_email vs 7#2"}},
	})
}

func TestAReadingWithAnExternalIDTwiceIsNotBelieved(t *testing.T) {
	t.Parallel()
	for name, people := range map[string][]Person{
		"apart":            {person("7", "a@x"), person("8", "b@x"), person("7", "c@x")},
		"word for word":    {person("7", "a@x"), person("7", "a@x")},
		"one not storable": {person("7", "a@x"), {ExternalID: "7", Name: strings.Repeat("n", 256)}},
	} {
		_, err := NewDraft(people, nil, everythingFits, Options{})
		var known *crm.Error
		if !errors.As(err, &known) || known.Code != crm.CodePortalAnswer {
			t.Errorf("%s: got %v, want portal_answer", name, err)
			continue
		}
		for _, text := range []string{known.Message.RU, known.Message.EN} {
			if !strings.Contains(text, "ID 7") {
				t.Errorf("%s: %q does not say whose", name, text)
			}
		}
	}
	// What is no id cannot be the same id twice: rule 10 skips each of them.
	if _, err := NewDraft([]Person{person("", "a@x"), person("", "b@x"), person("007", "c@x"), person("7", "d@x")}, nil, everythingFits, Options{}); err != nil {
		t.Errorf("invalid ids: %v", err)
	}
}
