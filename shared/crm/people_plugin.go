package crm

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// ServePeople serves a plugin of the capability people and never returns. It is
// the whole main of one:
//
//	func main() { crm.ServePeople(description, crm.PeopleFunc(readPeople)) }
//
// What the description leaves out is filled in: the capabilities, and name_user_id
// as the external-id column. Settings are checked against the described fields,
// and a connection by reading everybody once; a source that also has the method
// CheckSettings or CheckConnection of [Plugin] answers itself, and one that is a
// [ChoicesSource], [SettingsImporter] or [EventReader] has those capabilities. With
// the only argument "manifest" the program prints its plugin.json instead.
func ServePeople(d Description, source PeopleSource) {
	p := NewPeoplePlugin(d, source)
	if len(os.Args) == 2 && os.Args[1] == "manifest" {
		if err := WriteManifest(os.Stdout, p.description, Manifest{}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	Serve(p)
}

// PeoplePlugin is a [Plugin] made of a [PeopleSource].
type PeoplePlugin struct {
	PeopleSource
	description Description
}

var (
	_ Plugin       = (*PeoplePlugin)(nil)
	_ PeopleSource = (*PeoplePlugin)(nil)
)

// NewPeoplePlugin is what [ServePeople] serves.
func NewPeoplePlugin(d Description, source PeopleSource) *PeoplePlugin {
	if len(d.Capabilities) == 0 {
		d.Capabilities = capabilitiesOf(source)
	}
	if d.ExternalIDColumn == "" {
		d.ExternalIDColumn = d.Name + "_user_id"
	}
	fields := make([]Field, len(d.Fields))
	for i, f := range d.Fields {
		if f.Type == "" {
			f.Type = FieldText
		}
		fields[i] = f
	}
	d.Fields = fields
	return &PeoplePlugin{PeopleSource: source, description: d}
}

// Describe implements [Plugin].
func (p *PeoplePlugin) Describe(context.Context) (Description, error) { return p.description, nil }

// Configure implements [Plugin]; a source that wants the values has the method too.
func (p *PeoplePlugin) Configure(ctx context.Context, c Configuration) error {
	if own, ok := p.PeopleSource.(interface {
		Configure(context.Context, Configuration) error
	}); ok {
		return own.Configure(ctx, c)
	}
	return nil
}

// Migrate implements [Plugin]: the column is the host's to add.
func (p *PeoplePlugin) Migrate(context.Context, Migration) (MigrationResult, error) {
	return MigrationResult{}, nil
}

// CheckSettings implements [Plugin]. The people of settings without problems come
// from one and the same portal, called like the plugin.
func (p *PeoplePlugin) CheckSettings(ctx context.Context, s Settings) (SettingsCheck, error) {
	if own, ok := p.PeopleSource.(interface {
		CheckSettings(context.Context, Settings) (SettingsCheck, error)
	}); ok {
		return own.CheckSettings(ctx, s)
	}
	problems := p.description.SettingsProblems(s)
	if len(problems) > 0 {
		return SettingsCheck{Problems: problems}, nil
	}
	return SettingsCheck{Portal: p.description.Name}, nil
}

// CheckConnection implements [Plugin].
func (p *PeoplePlugin) CheckConnection(ctx context.Context, r ConnectionRequest) (ConnectionCheck, error) {
	if own, ok := p.PeopleSource.(interface {
		CheckConnection(context.Context, ConnectionRequest) (ConnectionCheck, error)
	}); ok {
		return own.CheckConnection(ctx, r)
	}
	check, err := p.CheckSettings(ctx, r.Settings)
	if err != nil {
		return ConnectionCheck{}, err
	}
	if err := unusable(check.Problems); err != nil {
		return finding("settings", false, err.Message), nil
	}
	count := &peopleCount{}
	err = p.ReadPeople(ctx, PeopleRequest{Tenant: r.Tenant, Settings: r.Settings}, count)
	if err != nil && ctx.Err() != nil {
		return ConnectionCheck{}, err
	}
	if err != nil {
		return finding("people", false, outgoing(ctx, "CheckConnection", err).Message), nil
	}
	return finding("people", true, Text{
		RU: fmt.Sprintf("Прочитано сотрудников: %d, из них с адресом почты: %d.", count.people, count.addresses),
		EN: fmt.Sprintf("People read: %d, %d of them with an e-mail address.", count.people, count.addresses),
	}), nil
}

// SyncUsers implements [Plugin]: the host does it.
func (p *PeoplePlugin) SyncUsers(context.Context, SyncRequest, Events) (SyncResult, error) {
	return SyncResult{}, NewError(CodeInternal, textRequest, fmt.Errorf("a plugin of the capability people writes no users"))
}

func finding(code string, ok bool, message Text) ConnectionCheck {
	return ConnectionCheck{Findings: []Finding{{Code: code, OK: ok, Message: message}}}
}

// unusable is why settings with problems cannot be worked with; nil without any.
func unusable(problems []FieldProblem) *Error {
	if len(problems) == 0 {
		return nil
	}
	ru, en := make([]string, len(problems)), make([]string, len(problems))
	for i, problem := range problems {
		ru[i], en[i] = problem.Key+": "+problem.Message.In("ru"), problem.Key+": "+problem.Message.In("en")
	}
	return NewError(CodeNotConfigured, Text{RU: strings.Join(ru, " "), EN: strings.Join(en, " ")}, nil)
}

// peopleCount is a reading of which only the numbers matter.
type peopleCount struct{ people, addresses int }

// Person implements [PeopleEvents].
func (c *peopleCount) Person(p Person) error {
	c.people++
	if p.Email != "" {
		c.addresses++
	}
	return nil
}

// Progress implements [PeopleEvents].
func (c *peopleCount) Progress(Progress) error { return nil }
