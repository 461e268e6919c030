package crm

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"booking/shared/crm/internal/crmpb"
	"booking/shared/secret"
)

func TestImportedSettingsArriveWithTheirEnding(t *testing.T) {
	t.Parallel()
	want := []ImportedSettings{
		{TenantID: 1, Settings: Settings{"webhook": secret.New("https://p/rest/1/x/")}, Enabled: true, LastSync: time.Date(2026, 9, 1, 1, 0, 0, 0, time.UTC)},
		{TenantID: 3, Reason: ImportWrongKey, Message: Text{RU: "Ключ не тот."}},
	}
	request := ImportRequest{DSN: secret.New("dsn"), Key: secret.New("base64:key")}
	var asked ImportRequest
	client := dial(t, &able{imports: func(_ context.Context, r ImportRequest, out func(ImportedSettings) error) error {
		asked = r
		return errors.Join(out(want[0]), out(want[1]))
	}})
	var got []ImportedSettings
	if err := client.ImportSettings(t.Context(), request, func(i ImportedSettings) error { got = append(got, i); return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, secrets); diff != "" {
		t.Errorf("items (-sent +arrived):\n%s", diff)
	}
	if diff := cmp.Diff(request, asked, secrets); diff != "" {
		t.Errorf("request (-sent +arrived):\n%s", diff)
	}
}

func TestAnImportThatWasCutOffIsNoShortOne(t *testing.T) {
	t.Parallel()
	item := func(tenant int64, reason string) *crmpb.ImportSettingsResponse {
		i := &crmpb.ImportedSettings{TenantId: tenant, Reason: reason, Message: &crmpb.Text{Ru: "Почему"}}
		if reason == "" {
			i.Settings = map[string]string{"a": "b"}
		}
		return &crmpb.ImportSettingsResponse{Event: &crmpb.ImportSettingsResponse_Settings{Settings: i}}
	}
	ending := func(n int64) *crmpb.ImportSettingsResponse {
		return &crmpb.ImportSettingsResponse{Event: &crmpb.ImportSettingsResponse_Complete{Complete: &crmpb.ImportComplete{Tenants: n}}}
	}
	failure := &crmpb.ImportSettingsResponse{Event: &crmpb.ImportSettingsResponse_Failure{Failure: &crmpb.Failure{Code: "database", Message: &crmpb.Text{Ru: "Почему"}}}}
	empty, mute := item(1, ""), item(1, "wrong_key")
	empty.GetSettings().Settings = nil
	mute.GetSettings().Message = nil
	for name, c := range map[string]struct {
		tenant int64
		events []*crmpb.ImportSettingsResponse
		want   Code
	}{
		"good":                       {0, []*crmpb.ImportSettingsResponse{item(1, ""), item(2, "no_settings"), ending(2)}, ""},
		"nobody":                     {0, []*crmpb.ImportSettingsResponse{ending(0)}, ""},
		"just stops":                 {0, []*crmpb.ImportSettingsResponse{item(1, "")}, CodePluginAnswer},
		"counts more":                {0, []*crmpb.ImportSettingsResponse{item(1, ""), ending(2)}, CodePluginAnswer},
		"goes on after its ending":   {0, []*crmpb.ImportSettingsResponse{ending(0), item(1, "")}, CodePluginAnswer},
		"a tenant twice":             {0, []*crmpb.ImportSettingsResponse{item(1, ""), item(1, ""), ending(2)}, CodePluginAnswer},
		"no tenant":                  {0, []*crmpb.ImportSettingsResponse{item(0, ""), ending(1)}, CodePluginAnswer},
		"not the one asked for":      {2, []*crmpb.ImportSettingsResponse{item(1, ""), ending(1)}, CodePluginAnswer},
		"neither nor":                {0, []*crmpb.ImportSettingsResponse{empty, ending(1)}, CodePluginAnswer},
		"a reason that says nothing": {0, []*crmpb.ImportSettingsResponse{mute, ending(1)}, CodePluginAnswer},
		"a reason with spaces":       {0, []*crmpb.ImportSettingsResponse{item(1, "well, you see"), ending(1)}, CodePluginAnswer},
		"no event":                   {0, []*crmpb.ImportSettingsResponse{{}}, CodePluginAnswer},
		"a failure":                  {0, []*crmpb.ImportSettingsResponse{item(1, ""), failure}, CodeDatabase},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := dialForeign(t, &foreignPlugin{imported: func(s grpc.ServerStreamingServer[crmpb.ImportSettingsResponse]) error {
				for _, event := range c.events {
					if err := s.Send(event); err != nil {
						return err
					}
				}
				return nil
			}})
			err := client.ImportSettings(t.Context(), ImportRequest{TenantID: c.tenant}, func(ImportedSettings) error { return nil })
			if CodeOf(err) != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

func TestAnImportEndsWithItsHost(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	client := dial(t, &able{imports: func(ctx context.Context, _ ImportRequest, out func(ImportedSettings) error) error {
		defer close(ended)
		for tenant := int64(1); ; tenant++ {
			if err := out(ImportedSettings{TenantID: tenant, Reason: ImportNoSettings, Message: Text{RU: "Нет."}}); err != nil {
				return err
			}
		}
	}})
	enough := errors.New("enough")
	if err := client.ImportSettings(t.Context(), ImportRequest{}, func(ImportedSettings) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("error %v", err)
	}
	within(t, "the plugin's end of the call", ended)
}
