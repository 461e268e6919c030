package crm

import "fmt"

// maxEventIDs bounds whom one event is about.
const maxEventIDs = 1000

// checkImported holds an item against the contract; last is the tenant before it.
func checkImported(i ImportedSettings, r ImportRequest, last int64) error {
	switch {
	case i.TenantID <= last:
		return fmt.Errorf("tenant %d after tenant %d", i.TenantID, last)
	case r.TenantID != 0 && i.TenantID != r.TenantID:
		return fmt.Errorf("tenant %d in an import of tenant %d", i.TenantID, r.TenantID)
	case (i.Reason == "") != (len(i.Settings) > 0):
		return fmt.Errorf("tenant %d: want either settings or a reason", i.TenantID)
	case i.Reason != "" && (!keyPattern.MatchString(string(i.Reason)) || i.Message == Text{}):
		return fmt.Errorf("tenant %d: reason %q is no word, or without message", i.TenantID, cut(string(i.Reason), 64))
	}
	return nil
}

// checkPortalEvent: what a host does with an event hangs on these few words.
func checkPortalEvent(e PortalEvent) error {
	switch {
	case (e.Reason == "") != (len(e.ExternalIDs) > 0):
		return fmt.Errorf("want either ids or a reason")
	case e.Reason != "" && !keyPattern.MatchString(string(e.Reason)):
		return fmt.Errorf("reason %q is no word", cut(string(e.Reason), 64))
	case !e.Authentic && e.Reason == "", e.Authentic && e.Reason != "" && e.Reason != EventNoPeople:
		return fmt.Errorf("authentic=%t with reason %q", e.Authentic, cut(string(e.Reason), 64))
	case len(e.ExternalIDs) > maxEventIDs:
		return fmt.Errorf("%d ids, more than %d", len(e.ExternalIDs), maxEventIDs)
	}
	seen := map[string]bool{}
	for _, id := range e.ExternalIDs {
		if !idPattern.MatchString(id) || seen[id] {
			return fmt.Errorf("id %q is no whole number above zero, or there twice", cut(id, 64))
		}
		seen[id] = true
	}
	return nil
}
