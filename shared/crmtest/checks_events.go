package crmtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"booking/shared/crm"
)

var eventChecks = []check{
	{"event", both("сообщению своего портала плагин верит и говорит, о ком оно", "it believes its portal's message and says whom it is about"),
		both("authentic и номера людей, больше ничего", "authentic and the ids of people, nothing else"), needEvents | needSettings | needEvent, checkEvent},
	{"event_proof", both("то же сообщение с другим доказательством — отказ", "the same message with another proof is refused"),
		both("сравните доказательство с секретом из настроек, за постоянное время; без секрета в настройках не верьте никому", "compare the proof with the secret of the settings, in constant time; without one in the settings believe nobody"), needEvents | needSettings | needEvent, checkEventProof},
	{"event_foreign", both("чужим, пустым и огромным сообщениям не верит, и это не сбой", "it believes no foreign, empty or huge message, and that is no failure"),
		both("верните authentic=false и причину словом; в журнал сообщение не пишите", "return authentic=false and a reason in a word; keep the message out of the log"), needEvents | needSettings, checkEventForeign},
}

func (x *exam) event(ctx context.Context, values map[string]string, m crm.EventMessage) (crm.PortalEvent, error) {
	s, err := x.session(ctx)
	if err != nil {
		return crm.PortalEvent{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, x.within(time.Second))
	defer cancel()
	m.Tenant, m.Settings = crm.Tenant{ID: tenantA}, settings(values)
	return s.client.ReadEvent(ctx, m)
}

func checkEvent(ctx context.Context, x *exam) error {
	e, err := x.event(ctx, x.Settings, *x.Event)
	if err == nil && (!e.Authentic || len(e.ExternalIDs) == 0) {
		err = fmt.Errorf("authentic=%t, reason %q, %d ids", e.Authentic, e.Reason, len(e.ExternalIDs))
	}
	return err
}

// checkEventProof changes the secrets on this side: the message does not fit them then.
func checkEventProof(ctx context.Context, x *exam) error {
	for _, proof := range []string{x.canaries.fresh(), ""} {
		values := x.Settings
		for _, key := range x.proofs() {
			values = with(values, key, proof)
		}
		e, err := x.event(ctx, values, *x.Event)
		if err != nil {
			return err
		}
		if e.Authentic {
			return fmt.Errorf("it is believed with other secrets in the settings (empty: %t)", proof == "")
		}
	}
	return nil
}

// proofs are the settings that may hold what an event is compared with: secrets that a
// connection can do without or, where there are none, all of them.
func (x *exam) proofs() []string {
	var optional, all []string
	for _, f := range x.description.Fields {
		if f.Secret {
			all = append(all, f.Key)
		}
		if f.Secret && !f.Required {
			optional = append(optional, f.Key)
		}
	}
	if len(optional) > 0 {
		return optional
	}
	return all
}

func checkEventForeign(ctx context.Context, x *exam) error {
	word := x.canaries.fresh()
	for name, m := range map[string]crm.EventMessage{
		"an empty message":     {},
		"a form":               {ContentType: "application/x-www-form-urlencoded", Body: []byte("event=" + word + "&token=" + word + "&id=7")},
		"a broken form":        {ContentType: "application/x-www-form-urlencoded", Body: []byte("event=%zz&" + word)},
		"JSON":                 {ContentType: "application/json", Body: []byte(`{"event":"` + word + `","id":7}`)},
		"bytes":                {ContentType: word, Body: []byte("\x00\xff\xfe" + word)},
		"a megabyte":           {ContentType: "application/x-www-form-urlencoded", Body: []byte("x=" + strings.Repeat("x", 1<<20))},
		"a thousand fields":    {ContentType: "application/x-www-form-urlencoded", Body: []byte(strings.Repeat("a[b]=c&", 1000))},
		"a message of no kind": {ContentType: ";;;", Body: []byte(word)},
	} {
		e, err := x.event(ctx, x.Settings, m)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if e.Authentic || len(e.ExternalIDs) > 0 {
			return errors.New(name + " is believed")
		}
	}
	return nil
}
