package crm

import (
	"fmt"
	"regexp"
	"slices"
)

var (
	namePattern   = regexp.MustCompile(`^[a-z][a-z0-9]{0,31}$`)
	keyPattern    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	columnPattern = regexp.MustCompile(`^[a-z][a-z0-9]*_user_id$`)
	idPattern     = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
)

const (
	maxVersionBytes = 64
	maxColumnBytes  = 64 // MySQL's limit of an identifier
)

// Validate says what in the description breaks the contract; a host refuses such
// a plugin. Unknown capabilities are fine.
func (d Description) Validate() error {
	switch {
	case !namePattern.MatchString(d.Name):
		return fmt.Errorf("name %q: want a lower-case letter, then up to 31 letters and digits", cut(d.Name, 64))
	case d.Version == "" || len(d.Version) > maxVersionBytes:
		return fmt.Errorf("version: want 1 to %d bytes", maxVersionBytes)
	case d.Title == Text{}:
		return fmt.Errorf("title: want a text")
	case d.MigrationSet != "" && !keyPattern.MatchString(d.MigrationSet):
		return fmt.Errorf("migration set %q: want lower-case letters, digits and _", cut(d.MigrationSet, 64))
	}
	if err := d.validateColumn(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, f := range d.Fields {
		if seen[f.Key] {
			return fmt.Errorf("field %q: described twice", f.Key)
		}
		seen[f.Key] = true
		if err := f.validate(); err != nil {
			return fmt.Errorf("field %q: %w", cut(f.Key, 64), err)
		}
		if f.Listable && !d.Has(CapabilityChoices) {
			return fmt.Errorf("field %q: listable without the capability choices", f.Key)
		}
	}
	return nil
}

// validateColumn: the column's name reaches SQL, so its shape is not negotiable.
func (d Description) validateColumn() error {
	needed := slices.Contains(d.Capabilities, CapabilitySyncUsers) || slices.Contains(d.Capabilities, CapabilityPeople)
	if d.ExternalIDColumn == "" && !needed {
		return nil
	}
	if len(d.ExternalIDColumn) > maxColumnBytes || !columnPattern.MatchString(d.ExternalIDColumn) {
		return fmt.Errorf("external id column %q: want a name like crm_user_id", cut(d.ExternalIDColumn, 64))
	}
	return nil
}

func (f Field) validate() error {
	switch {
	case !keyPattern.MatchString(f.Key):
		return fmt.Errorf("key: want lower-case letters, digits and _")
	case f.Label == Text{}:
		return fmt.Errorf("label: want a text")
	case f.Secret && f.Default != "":
		return fmt.Errorf("a secret has no default")
	case f.Type != FieldChoice && len(f.Choices) > 0:
		return fmt.Errorf("choices belong to the type choice")
	case f.Listable && (f.Secret || f.Type != FieldIDs && f.Type != FieldText):
		return fmt.Errorf("only open values of the types ids and text can be listed")
	}
	switch f.Type {
	case FieldText, FieldIDs:
		return nil
	case FieldBool:
		if f.Default != "" && f.Default != "true" && f.Default != "false" {
			return fmt.Errorf("default of a bool: want true or false")
		}
		return nil
	case FieldChoice:
		return f.validateChoices()
	default:
		return fmt.Errorf("type %q is not in the list", cut(string(f.Type), 64))
	}
}

func (f Field) validateChoices() error {
	seen := map[string]bool{"": f.Default == ""}
	for _, c := range f.Choices {
		if c.Value == "" || (seen[c.Value]) {
			return fmt.Errorf("choice %q: empty or there twice", c.Value)
		}
		seen[c.Value] = true
	}
	if len(f.Choices) == 0 || !seen[f.Default] {
		return fmt.Errorf("choices: want at least one, and the default among them")
	}
	return nil
}

// checkConnectionAnswer: an answer without findings would read as "all is well".
func checkConnectionAnswer(c ConnectionCheck) error {
	if len(c.Findings) == 0 {
		return fmt.Errorf("no finding")
	}
	for _, f := range c.Findings {
		if f.Code == "" || f.Message == (Text{}) {
			return fmt.Errorf("finding %q: without code or message", cut(f.Code, 64))
		}
	}
	return nil
}

// checkSyncRequest is the plugin's side of the contract: a mode it does not know
// must not end in writing.
func checkSyncRequest(r SyncRequest) error {
	switch {
	case r.Tenant.ID <= 0:
		return fmt.Errorf("tenant id %d", r.Tenant.ID)
	case r.Mode != ModeApply && r.Mode != ModePreview && r.Mode != ModePerson:
		return fmt.Errorf("mode %q is not in the list", cut(string(r.Mode), 64))
	case (r.Mode == ModePerson) != (r.PersonID != ""):
		return fmt.Errorf("mode %s with person id %q", r.Mode, cut(r.PersonID, 64))
	case (r.PlanID == "") != (r.PlanHash == ""):
		return fmt.Errorf("plan id and plan hash come together")
	}
	switch r.Policy.Leavers {
	case "", "keep", "deactivate":
		return nil
	default:
		return fmt.Errorf("leavers %q is not in the list", cut(r.Policy.Leavers, 64))
	}
}

var actions = []Action{ActionCreated, ActionUpdated, ActionSkipped, ActionConflict, ActionDeactivated, ActionReactivated, ActionReported}

func checkChange(c Change) error {
	if !slices.Contains(actions, c.Action) {
		return fmt.Errorf("action %q is not in the list", cut(string(c.Action), 64))
	}
	if c.UserID < 0 || c.OtherUserID < 0 {
		return fmt.Errorf("change with a negative user id")
	}
	return nil
}

func checkProgress(p Progress) error {
	if p.Stage != StageReading && p.Stage != StagePlanning && p.Stage != StageWriting {
		return fmt.Errorf("stage %q is not in the list", cut(string(p.Stage), 64))
	}
	if p.Done < 0 || p.Total < 0 || p.Requests < 0 {
		return fmt.Errorf("progress with negative numbers: done %d, total %d, requests %d", p.Done, p.Total, p.Requests)
	}
	return nil
}

// checkResult holds a result against the sums of the contract.
func checkResult(r SyncResult) error {
	if min(r.Fetched, r.Created, r.Updated, r.Unchanged, r.Skipped, r.Conflicts, r.Deactivated, r.Requests) < 0 {
		return fmt.Errorf("result with negative numbers: %+v", r.Counts)
	}
	if r.Synced()+r.Skipped+r.Conflicts != r.Fetched {
		return fmt.Errorf("result does not add up: %+v", r.Counts)
	}
	if r.Partial && r.Skipped == 0 {
		return fmt.Errorf("result is partial with nobody skipped")
	}
	return nil
}
