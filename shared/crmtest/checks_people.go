package crmtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"booking/shared/crm"
)

var peopleChecks = []check{
	{"people", both("люди приходят целиком, каждый один раз, и концовка считает их верно", "people come whole, each once, and the ending counts them"),
		both("последнее сообщение — complete с числом отправленных; номер человека — целое больше нуля", "the last message is complete with the number sent; a person's id is a whole number above zero"), needPeople | needSettings, checkPeople},
	{"people_again", both("второе чтение даёт тех же людей", "a second reading brings the same people"),
		both("номер и значения человека не зависят от запуска", "a person's id and values do not depend on the run"), needPeople | needSettings, checkPeopleAgain},
	{"people_no_sync", both("SyncUsers, которого нет, — отказ", "SyncUsers, which it does not have, is refused"),
		both("оставьте SyncUsers и Migrate нереализованными", "leave SyncUsers and Migrate unimplemented"), needPeople, checkPeopleNoSync},
}

func checkPeople(ctx context.Context, x *exam) error {
	s, err := x.session(ctx)
	if err != nil {
		return err
	}
	events, err := x.read(ctx, s, tenantA, x.Settings, nil)
	if err != nil {
		return err
	}
	if len(events.people) == 0 {
		return errors.New("nobody was read: these settings prove nothing")
	}
	seen := map[string]bool{}
	for _, p := range events.people {
		switch id := strings.TrimSpace(p.ExternalID); {
		case id == "":
			return fmt.Errorf("somebody has no id: %q", p.Name)
		case seen[id]:
			return fmt.Errorf("id %s comes twice", id)
		default:
			seen[id] = true
		}
	}
	for _, stage := range events.stages {
		if stage != crm.StageReading {
			return fmt.Errorf("a reading says that it is %s", stage)
		}
	}
	return nil
}

func checkPeopleAgain(ctx context.Context, x *exam) error {
	s, err := x.session(ctx)
	if err != nil {
		return err
	}
	var readings [2][]crm.Person
	for i := range readings {
		events, err := x.read(ctx, s, tenantA, x.Settings, nil)
		if err != nil {
			return err
		}
		slices.SortFunc(events.people, func(a, b crm.Person) int { return strings.Compare(a.ExternalID, b.ExternalID) })
		readings[i] = events.people
	}
	if !slices.Equal(readings[0], readings[1]) {
		return fmt.Errorf("the first reading had %d people, the second %d, and they differ", len(readings[0]), len(readings[1]))
	}
	return nil
}

func checkPeopleNoSync(ctx context.Context, x *exam) error {
	s, err := x.session(ctx)
	if err != nil {
		return err
	}
	_, err = s.client.SyncUsers(ctx, crm.SyncRequest{Tenant: crm.Tenant{ID: tenantA}, Settings: settings(x.Settings), Mode: crm.ModeApply, RunID: 1, Fence: fence}, &told{})
	if err == nil {
		return errors.New("it succeeds")
	}
	return nil
}
