package crmhost

import (
	"context"
	"fmt"
	"time"

	"booking/shared/crm"
)

// eventPatience bounds the look at an event: it is a comparison, and whoever sent it
// waits.
const eventPatience = 10 * time.Second

var (
	_ crm.ChoicesSource = calls{}
	_ crm.EventReader   = calls{}
)

// capable is the plugin's end of a capability. A call of one that the plugin does not
// list is never made.
func capable[T any](c calls, capability crm.Capability) (T, error) {
	end, ok := c.p.remote.(T)
	if !ok || !c.p.description.Has(capability) {
		return end, contradiction(nil, "у плагина «%s» нет возможности %s", "plugin %q does not have the capability %s", c.p.options.Found.Name, capability)
	}
	return end, nil
}

// Choices implements crm.ChoicesSource.
func (c calls) Choices(ctx context.Context, q crm.ChoicesRequest) (r crm.Choices, err error) {
	source, err := capable[crm.ChoicesSource](c, crm.CapabilityChoices)
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.p.options.CallTimeout)
	defer cancel()
	c.remember(q.Settings)
	err = c.guard(ctx, func() error {
		if r, err = source.Choices(ctx, q); err != nil {
			return err
		}
		return c.cleanChoices(r)
	})
	return r, err
}

// cleanChoices makes labels fit to be shown. A value is what will be stored: one that
// cannot be shown as it is breaks the contract.
func (c calls) cleanChoices(r crm.Choices) error {
	for i := range r.Nodes {
		n := &r.Nodes[i]
		n.Label = clean(n.Label, maxLabel)
		if clean(n.Value, maxLabel) != n.Value {
			return contradiction(fmt.Errorf("choice %d has a value that cannot be shown", i+1),
				"плагин «%s» нарушает договор: обновите его", "plugin %q breaks the contract: update it", c.p.options.Found.Name)
		}
	}
	return nil
}

// ReadEvent implements crm.EventReader. What is too large does not reach the plugin.
func (c calls) ReadEvent(ctx context.Context, m crm.EventMessage) (r crm.PortalEvent, err error) {
	reader, err := capable[crm.EventReader](c, crm.CapabilityEvents)
	if err != nil {
		return r, err
	}
	if len(m.Body) > crm.MaxEventBytes {
		return crm.PortalEvent{Reason: crm.EventTooLarge}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, min(eventPatience, c.p.options.CallTimeout))
	defer cancel()
	c.remember(m.Settings)
	err = c.guard(ctx, func() error { r, err = reader.ReadEvent(ctx, m); return err })
	return r, err
}
