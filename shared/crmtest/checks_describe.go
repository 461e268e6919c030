package crmtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"sync"
	"time"

	"booking/shared/crm"
)

var describeChecks = []check{
	{"describe", both("описывает себя по договору", "describes itself as the contract says"),
		both("имя, версия, название, поля с подписями; столбец внешнего номера — вида ИМЯ_user_id", "name, version, title, labelled fields; the external-id column is like NAME_user_id"),
		0, checkDescribe},
	{"describe_first", both("описывает себя сразу, до Configure", "describes itself at once, before Configure"),
		both("Describe никого не вызывает и отвечает за секунду", "Describe calls nobody and answers within a second"), 0, checkDescribeFirst},
	{"describe_stable", both("описание всегда одно и то же, и при многих вызовах сразу", "the description is always the same, with many calls at once, too"),
		both("описание — постоянная; порядок полей тоже", "the description is a constant, the order of its fields included"), 0, checkDescribeStable},
	{"capabilities", both("умеет sync_users или people", "can sync_users or people"),
		both("без одной из них хосту нечего делать с плагином", "without one of them there is nothing a host could do with it"), 0, checkCapabilities},
	{"unlisted", both("вызов, которого нет среди возможностей, — отказ", "a call that is not among the capabilities is refused"),
		both("оставьте Choices, ImportSettings и ReadEvent нереализованными или назовите возможность", "leave Choices, ImportSettings and ReadEvent unimplemented, or list the capability"), 0, checkUnlisted},
	{"secret_fields", both("поля с ключами и паролями объявлены секретными", "fields for keys and passwords are described as secret"),
		both("пометьте их secret: тогда хост шифрует значения и не показывает их", "mark them secret: then a host encrypts the values and never shows them"), 0, checkSecretFields},
	{"manifest", both("plugin.json говорит то же, что и Describe", "plugin.json says what Describe says"),
		both("соберите плагин заново и обновите plugin.json его командой manifest", "build the plugin again and write plugin.json with its manifest command"), 0, checkManifest},
}

func checkDescribe(ctx context.Context, x *exam) error {
	s, err := x.session(ctx)
	if err != nil {
		return err
	}
	d, err := s.client.Describe(ctx) // which validates
	if err != nil {
		return err
	}
	if d.Title.RU == "" {
		return errors.New("the title lacks its Russian text")
	}
	for _, f := range d.Fields {
		if f.Label.RU == "" {
			return fmt.Errorf("the label of field %s lacks its Russian text", f.Key)
		}
	}
	return nil
}

func checkDescribeFirst(ctx context.Context, x *exam) error {
	s, err := x.start(ctx)
	if err != nil {
		return err
	}
	defer s.kill()
	limit := x.within(time.Second)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if _, err := s.client.Describe(ctx); err != nil {
		return fmt.Errorf("before Configure, within %s: %w", limit, err)
	}
	return nil
}

func checkDescribeStable(ctx context.Context, x *exam) error {
	s, err := x.session(ctx)
	if err != nil {
		return err
	}
	var calls sync.WaitGroup
	answers, errs := make([]crm.Description, 32), make([]error, 32)
	for i := range answers {
		calls.Go(func() { answers[i], errs[i] = s.client.Describe(ctx) })
	}
	calls.Wait()
	for i := range answers {
		if errs[i] != nil {
			return errs[i]
		}
		if !reflect.DeepEqual(answers[i], x.description) {
			return fmt.Errorf("two answers of one process differ: %+v and %+v", x.description, answers[i])
		}
	}
	return nil
}

func checkCapabilities(ctx context.Context, x *exam) error {
	if _, err := x.session(ctx); err != nil {
		return err
	}
	if !x.description.Has(crm.CapabilitySyncUsers) && !x.description.Has(crm.CapabilityPeople) {
		return fmt.Errorf("it lists %q", x.description.Capabilities)
	}
	return nil
}

func checkUnlisted(ctx context.Context, x *exam) error {
	s, err := x.session(ctx)
	if err != nil {
		return err
	}
	tenant := crm.Tenant{ID: tenantA}
	for capability, call := range map[crm.Capability]func() error{
		crm.CapabilityChoices: func() error {
			_, err := s.client.Choices(ctx, crm.ChoicesRequest{Tenant: tenant, Settings: settings(x.Settings), Field: "a_field"})
			return err
		},
		crm.CapabilityImportSettings: func() error {
			return s.client.ImportSettings(ctx, crm.ImportRequest{}, func(crm.ImportedSettings) error { return nil })
		},
		crm.CapabilityEvents: func() error {
			_, err := s.client.ReadEvent(ctx, crm.EventMessage{Tenant: tenant, Settings: settings(x.Settings)})
			return err
		},
	} {
		if x.description.Has(capability) {
			continue
		}
		switch err := call(); {
		case err == nil:
			return fmt.Errorf("%s, which it does not list, succeeds", capability)
		case crm.CodeOf(err) == crm.CodePluginLost:
			return fmt.Errorf("%s, which it does not list: %w", capability, err)
		}
	}
	return nil
}

var secretLooks = regexp.MustCompile(`(^|_)(password|passwd|secret|token|webhook|webhook_url|api_key|key|credential|credentials)$`)

func checkSecretFields(ctx context.Context, x *exam) error {
	if _, err := x.session(ctx); err != nil {
		return err
	}
	for _, f := range x.description.Fields {
		if secretLooks.MatchString(f.Key) && f.Type == crm.FieldText && !f.Secret {
			return fmt.Errorf("field %s is no secret", f.Key)
		}
	}
	return nil
}

func checkManifest(ctx context.Context, x *exam) error {
	if x.Manifest == nil {
		return notTried("рядом с программой нет plugin.json", "there is no plugin.json beside the executable")
	}
	if _, err := x.session(ctx); err != nil {
		return err
	}
	m, d := x.Manifest, x.description
	if m.Name != d.Name || m.Version != d.Version || m.Protocol != crm.ProtocolVersion {
		return fmt.Errorf("plugin.json: %s %s, protocol %d; Describe: %s %s, protocol %d", m.Name, m.Version, m.Protocol, d.Name, d.Version, crm.ProtocolVersion)
	}
	return nil
}
