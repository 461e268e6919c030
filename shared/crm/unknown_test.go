package crm

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"booking/shared/crm/internal/crmpb"
)

// tomorrow adds fields that nobody knows today: 3000 (text) and 3001 (number).
func tomorrow[M proto.Message](m M) M {
	m.ProtoReflect().SetUnknown([]byte{0xc2, 0xbb, 0x01, 2, 'h', 'i', 0xc8, 0xbb, 0x01, 7})
	return m
}

func TestFieldsOfTomorrowAreKeptOut(t *testing.T) {
	t.Parallel()
	client := dialForeign(t, &foreignPlugin{
		describe: func() (*crmpb.DescribeResponse, error) {
			d := tomorrow(descriptionToProto(sound()))
			d.Capabilities = append(d.Capabilities, "teleport")
			tomorrow(d.GetTitle())
			return d, nil
		},
		sync: func(s grpc.ServerStreamingServer[crmpb.SyncUsersResponse]) error {
			for _, event := range []*crmpb.SyncUsersResponse{
				{Event: &crmpb.SyncUsersResponse_Changes{Changes: tomorrow(&crmpb.Changes{Changes: []*crmpb.Change{tomorrow(&crmpb.Change{ExternalId: "1", Action: "created", Reason: "because"})}})}},
				{Event: &crmpb.SyncUsersResponse_Result{Result: tomorrow(&crmpb.SyncResult{Fetched: 1, Created: 1})}},
			} {
				event.TenantId = 7
				if err := s.Send(tomorrow(event)); err != nil {
					return err
				}
			}
			return nil
		},
		people: func(s grpc.ServerStreamingServer[crmpb.PeopleResponse]) error {
			for _, event := range []*crmpb.PeopleResponse{
				{Event: &crmpb.PeopleResponse_People{People: tomorrow(&crmpb.PeopleBatch{People: []*crmpb.Person{tomorrow(&crmpb.Person{ExternalId: "1"})}})}},
				{Event: &crmpb.PeopleResponse_Complete{Complete: tomorrow(&crmpb.PeopleComplete{People: 1})}},
			} {
				event.TenantId = 7
				if err := s.Send(tomorrow(event)); err != nil {
					return err
				}
			}
			return nil
		},
	})
	checkCapabilitiesOfTomorrow(t)
	d, err := client.Describe(t.Context())
	want := sound()
	want.Capabilities = append(want.Capabilities, "teleport") // whoever lists capabilities ignores it
	if diff := cmp.Diff(want, d); err != nil || diff != "" {
		t.Errorf("description: error %v (-want +got):\n%s", err, diff)
	}
	if len(descriptionToProto(d).ProtoReflect().GetUnknown()) > 0 {
		t.Error("a field of tomorrow travels on")
	}
	host := &recorder{}
	result, err := client.SyncUsers(t.Context(), request(), host)
	if diff := cmp.Diff([]Change{{ExternalID: "1", Action: ActionCreated, Reason: "because"}}, host.changes); err != nil || diff != "" || result.Created != 1 {
		t.Errorf("sync: %+v, error %v (-want +got):\n%s", result, err, diff)
	}
	if err := client.ReadPeople(t.Context(), peopleRequest(), &listener{}); err != nil {
		t.Errorf("people: %v", err)
	}
}

// checkCapabilitiesOfTomorrow: reasons nobody knows today arrive as they are.
func checkCapabilitiesOfTomorrow(t *testing.T) {
	t.Helper()
	client := dialForeign(t, &foreignPlugin{
		choices: func() (*crmpb.ChoicesResponse, error) {
			return tomorrow(&crmpb.ChoicesResponse{Nodes: []*crmpb.ChoiceNode{tomorrow(&crmpb.ChoiceNode{Value: "1", Label: "One"})}}), nil
		},
		imported: func(s grpc.ServerStreamingServer[crmpb.ImportSettingsResponse]) error {
			item := tomorrow(&crmpb.ImportedSettings{TenantId: 1, Reason: "eclipse", Message: &crmpb.Text{En: "An eclipse."}})
			return errors.Join(s.Send(tomorrow(&crmpb.ImportSettingsResponse{Event: &crmpb.ImportSettingsResponse_Settings{Settings: item}})),
				s.Send(&crmpb.ImportSettingsResponse{Event: &crmpb.ImportSettingsResponse_Complete{Complete: tomorrow(&crmpb.ImportComplete{Tenants: 1})}}))
		},
		event: func() (*crmpb.ReadEventResponse, error) {
			return tomorrow(&crmpb.ReadEventResponse{Reason: "eclipse"}), nil
		},
	})
	choices, err := client.Choices(t.Context(), choicesRequest())
	if diff := cmp.Diff(Choices{Nodes: []ChoiceNode{{Value: "1", Label: "One"}}}, choices); err != nil || diff != "" {
		t.Errorf("choices: error %v (-want +got):\n%s", err, diff)
	}
	var items []ImportedSettings
	err = client.ImportSettings(t.Context(), ImportRequest{}, func(i ImportedSettings) error { items = append(items, i); return nil })
	if diff := cmp.Diff([]ImportedSettings{{TenantID: 1, Reason: "eclipse", Message: Text{EN: "An eclipse."}}}, items, secrets); err != nil || diff != "" {
		t.Errorf("import: error %v (-want +got):\n%s", err, diff)
	}
	if event, err := client.ReadEvent(t.Context(), eventMessage()); err != nil || event.Reason != "eclipse" || event.Authentic {
		t.Errorf("event: %+v, error %v", event, err)
	}
}

// The other direction: a host of tomorrow asks a plugin of today.
func TestAPluginMindsNoFieldOfTomorrow(t *testing.T) {
	t.Parallel()
	var got SyncRequest
	client := dial(t, &fakePlugin{syncUsers: func(_ context.Context, r SyncRequest, _ Events) (SyncResult, error) {
		got = r
		return SyncResult{}, nil
	}})
	asked := tomorrow(syncRequestToProto(request()))
	tomorrow(asked.GetTenant())
	stream, err := client.rpc.SyncUsers(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	if event, err := stream.Recv(); err != nil || event.GetResult() == nil {
		t.Fatalf("%v, error %v", event, err)
	}
	if diff := cmp.Diff(request(), got, secrets); diff != "" {
		t.Errorf("request (-sent +arrived):\n%s", diff)
	}
}
