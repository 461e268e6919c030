package crmtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"booking/shared/crm"
	"booking/shared/secret"
)

var setupChecks = []check{
	{"configure_twice", both("Configure можно вызвать снова", "Configure may be called again"),
		both("новые значения действуют для следующих вызовов, старые вызовы доделываются", "new values count for the calls that come after, older calls go on"), 0, checkConfigureTwice},
	{"before_configure", both("вызов до Configure — ответ или отказ, но не конец процесса", "a call before Configure is an answer or a refusal, not the process's end"),
		both("проверьте, что обработчики не падают без настроек процесса", "make sure that no handler crashes without a configuration"), 0, checkBeforeConfigure},
	{"settings_good", both("верные настройки принимаются, и портал назван", "good settings are taken, and the portal is named"),
		both("CheckSettings возвращает portal: имя хоста строчными, без порта, или другое постоянное имя источника", "CheckSettings returns portal: the host's name in lower case without a port, or another stable name of the source"),
		needSettings, checkSettingsGood},
	{"settings_empty", both("нехватка обязательной настройки названа по ключу", "a missing required setting is named by its key"),
		both("верните проблему с ключом поля; пустые настройки — не сбой", "return a problem with the field's key; empty settings are no failure"), 0, checkSettingsEmpty},
	{"settings_bad", both("негодное значение каждого поля названо по ключу", "an impossible value of each field is named by its key"),
		both("проверяйте bool, choice и ids в CheckSettings (в Go: Description.SettingsProblems)", "check bool, choice and ids in CheckSettings (in Go: Description.SettingsProblems)"), 0, checkSettingsBad},
	{"settings_unknown", both("неизвестная настройка — не сбой", "an unknown setting is no failure"),
		both("пропустите её или назовите проблемой", "leave it out or name it as a problem"), 0, checkSettingsUnknown},
	{"settings_hostile", both("мегабайт, управляющие символы и нули в настройке — не сбой", "a megabyte, control characters and NULs in a setting are no failure"),
		both("ответьте проблемой; лимит gRPC на приём подымите до 64 МиБ", "answer with a problem; raise gRPC's receive limit to 64 MiB"), 0, checkSettingsHostile},
	{"connection_good", both("с верными настройками соединение работает, и сказано, что проверено", "with good settings the connection works, and it says what was looked at"),
		both("верните хотя бы одну находку с кодом и текстом", "return at least one finding with code and text"), needSettings, checkConnectionGood},
	{"connection_broken", both("негодное соединение — находка с объяснением, не сбой", "a broken connection is a finding that explains, no failure"),
		both("портал, до которого не дозвониться, — находка ok=false", "a portal that cannot be reached is a finding with ok=false"), needSettings, checkConnectionBroken},
	{"secret_answers", both("секреты не повторяются в ответах", "secrets are not repeated in answers"),
		both("не вставляйте значения настроек в тексты проблем, находок и ошибок", "keep the values of settings out of problems, findings and errors"), 0, checkSecretAnswers},
}

func checkConfigureTwice(ctx context.Context, x *exam) error {
	s, err := x.session(ctx)
	if err != nil {
		return err
	}
	if err := s.client.Configure(ctx, crm.Configuration{Locale: "en", DSN: secret.New(""), Proxy: secret.New("http://127.0.0.1:9")}); err != nil {
		return fmt.Errorf("without a database and with a proxy: %w", err)
	}
	if _, err := s.client.CheckSettings(ctx, crm.Settings{}); err != nil {
		return fmt.Errorf("CheckSettings after the second Configure: %w", err)
	}
	return s.configure(ctx)
}

func checkBeforeConfigure(ctx context.Context, x *exam) error {
	s, err := x.start(ctx)
	if err != nil {
		return err
	}
	defer s.kill()
	_, first := s.client.CheckSettings(ctx, settings(x.Settings))
	_, second := s.client.CheckConnection(ctx, crm.ConnectionRequest{Tenant: crm.Tenant{ID: 1}, Settings: settings(x.Settings)})
	_, err = s.client.Describe(ctx)
	for _, err := range []error{first, second, err} {
		if code := crm.CodeOf(err); code == crm.CodePluginLost {
			return err
		}
	}
	return err
}

func (x *exam) checkSettings(ctx context.Context, values map[string]string) (crm.SettingsCheck, error) {
	s, err := x.session(ctx)
	if err != nil {
		return crm.SettingsCheck{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, x.within(5*time.Second))
	defer cancel()
	check, err := s.client.CheckSettings(ctx, settings(values))
	if err != nil {
		return check, err
	}
	for _, p := range check.Problems {
		described := slices.ContainsFunc(x.description.Fields, func(f crm.Field) bool { return f.Key == p.Key })
		if _, given := values[p.Key]; !described && !given {
			return check, fmt.Errorf("a problem with the key %q, which is neither described nor given", p.Key)
		}
		if p.Message.RU == "" {
			return check, fmt.Errorf("the problem of %s has no Russian text", p.Key)
		}
	}
	return check, nil
}

func hasProblem(c crm.SettingsCheck, key string) bool {
	return slices.ContainsFunc(c.Problems, func(p crm.FieldProblem) bool { return p.Key == key })
}

func checkSettingsGood(ctx context.Context, x *exam) error {
	check, err := x.checkSettings(ctx, x.Settings)
	switch {
	case err != nil:
		return err
	case len(check.Problems) > 0:
		return fmt.Errorf("the given settings have a problem with %s: %s", check.Problems[0].Key, check.Problems[0].Message.In("en"))
	case check.Portal == "":
		return errors.New("no portal is named: a host then takes the connection for unconfigured")
	case check.Portal != strings.ToLower(check.Portal), len(check.Portal) > 255, strings.ContainsAny(check.Portal, "/: \t\n"):
		return fmt.Errorf("the portal %q is no name", check.Portal)
	}
	again, err := x.checkSettings(ctx, x.Settings)
	if err == nil && again.Portal != check.Portal {
		err = fmt.Errorf("the same settings speak of portal %q and of %q", check.Portal, again.Portal)
	}
	return err
}

func checkSettingsEmpty(ctx context.Context, x *exam) error {
	check, err := x.checkSettings(ctx, nil)
	if err != nil {
		return err
	}
	for _, f := range x.description.Fields {
		if f.Required && !hasProblem(check, f.Key) {
			return fmt.Errorf("nothing is said of the missing required setting %s", f.Key)
		}
	}
	return nil
}

func checkSettingsBad(ctx context.Context, x *exam) error {
	if _, err := x.session(ctx); err != nil {
		return err
	}
	for _, f := range x.description.Fields {
		if f.Type == crm.FieldText {
			continue // what it may hold is the plugin's own
		}
		check, err := x.checkSettings(ctx, with(x.Settings, f.Key, "crmcheck, no such thing"))
		if err != nil {
			return err
		}
		if !hasProblem(check, f.Key) {
			return fmt.Errorf("setting %s of the type %s takes anything", f.Key, f.Type)
		}
	}
	return nil
}

// with is a copy of settings with one value changed.
func with(values map[string]string, key, value string) map[string]string {
	changed := map[string]string{key: value}
	for k, v := range values {
		if k != key {
			changed[k] = v
		}
	}
	return changed
}

func checkSettingsUnknown(ctx context.Context, x *exam) error {
	_, err := x.checkSettings(ctx, with(x.Settings, "a_setting_of_tomorrow", "1"))
	return err
}

func checkSettingsHostile(ctx context.Context, x *exam) error {
	if _, err := x.session(ctx); err != nil {
		return err
	}
	for _, f := range x.description.Fields {
		for name, value := range map[string]string{
			"a megabyte": strings.Repeat("я", 1<<19), "five megabytes": strings.Repeat("x", 5<<20), "control characters": "\x00\x1b[31m\r\n\u202e\u2028", "emoji": "👩‍👩‍👧‍👦",
		} {
			if _, err := x.checkSettings(ctx, with(x.Settings, f.Key, value)); err != nil {
				return fmt.Errorf("%s in %s: %w", name, f.Key, err)
			}
		}
	}
	return nil
}

func (x *exam) checkConnection(ctx context.Context, values map[string]string) (crm.ConnectionCheck, error) {
	s, err := x.session(ctx)
	if err != nil {
		return crm.ConnectionCheck{}, err
	}
	return s.client.CheckConnection(ctx, crm.ConnectionRequest{Tenant: crm.Tenant{ID: tenantA, Name: "One"}, Settings: settings(values)})
}

func checkConnectionGood(ctx context.Context, x *exam) error {
	check, err := x.checkConnection(ctx, x.Settings)
	if err != nil {
		return err
	}
	for _, f := range check.Findings {
		if !f.OK {
			return fmt.Errorf("finding %s: %s", f.Code, f.Message.In("en"))
		}
	}
	return nil
}

// brokenSettings are some with which nobody can be read.
func (x *exam) brokenSettings() (map[string]string, error) {
	if x.Broken != nil {
		return x.Broken, nil
	}
	broken := x.Settings
	for _, f := range x.description.Fields {
		if f.Required {
			broken = with(broken, f.Key, "crmcheck-nonsense")
		}
	}
	for _, f := range x.description.Fields {
		if f.Required {
			return broken, nil
		}
	}
	return nil, notTried("обязательных настроек нет, и какие не сработают, неизвестно", "no setting is required, so nobody knows which would not work")
}

func checkConnectionBroken(ctx context.Context, x *exam) error {
	broken, err := x.brokenSettings()
	if err != nil {
		return err
	}
	check, err := x.checkConnection(ctx, broken)
	if err != nil {
		return err
	}
	if check.OK() {
		return errors.New("every finding is ok, with settings that cannot work")
	}
	return nil
}

// checkSecretAnswers puts a secret into every setting in turn and reads every answer.
func checkSecretAnswers(ctx context.Context, x *exam) error {
	s, err := x.session(ctx)
	if err != nil {
		return err
	}
	for _, f := range x.description.Fields {
		if !f.Secret {
			continue
		}
		for _, form := range []string{"%s", "https://user:%[1]s@127.0.0.1:9/rest/1/%[1]s/", "%s\x00"} {
			values := with(x.Settings, f.Key, fmt.Sprintf(form, x.canaries.fresh()))
			check, err := s.client.CheckSettings(ctx, settings(values))
			if said := fmt.Sprintf("%+v %v", check, err); x.canaries.in(said) {
				return fmt.Errorf("CheckSettings repeats the secret %s", f.Key)
			}
			connection, err := x.checkConnection(ctx, values)
			if said := fmt.Sprintf("%+v %v", connection, err); x.canaries.in(said) {
				return fmt.Errorf("CheckConnection repeats the secret %s", f.Key)
			}
		}
	}
	return nil
}
