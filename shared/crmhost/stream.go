package crmhost

import (
	"fmt"

	"booking/shared/crm"
)

// meter stands between a plugin's stream and the host's events: a stream has an
// end, however long the plugin goes on.
type meter struct {
	name   string
	to     crm.Events
	limits Limits
	events int
	bytes  int64
}

var _ crm.Events = (*meter)(nil)

// Progress implements crm.Events.
func (m *meter) Progress(p crm.Progress) error {
	if err := m.count(1, 0); err != nil {
		return err
	}
	return m.to.Progress(p)
}

// Changes implements crm.Events.
func (m *meter) Changes(changes []crm.Change) error {
	var bytes int64
	for i := range changes {
		bytes += weight(&changes[i])
	}
	if err := m.count(len(changes), bytes); err != nil {
		return err
	}
	return m.to.Changes(changes)
}

func (m *meter) count(events int, bytes int64) error {
	m.events += events
	m.bytes += bytes
	if m.events <= m.limits.Events && m.bytes <= m.limits.Bytes {
		return nil
	}
	return contradiction(fmt.Errorf("%d events, %d bytes", m.events, m.bytes),
		"плагин «%s» сообщает о запуске слишком много (больше %d событий или %d байт), запуск остановлен: сообщите автору плагина",
		"plugin %q tells too much of one run (more than %d events or %d bytes), the run was stopped: tell the plugin's author",
		m.name, m.limits.Events, m.limits.Bytes)
}

// weight is the text a change carries, in bytes.
func weight(c *crm.Change) int64 {
	n := len(c.ExternalID) + len(c.Name) + len(c.Email) + len(c.Reason) + len(c.Field) + len(c.OtherExternalID)
	for _, columns := range []map[string]any{c.Before, c.After} {
		for column, value := range columns {
			n += len(column)
			if text, ok := value.(string); ok {
				n += len(text)
			}
		}
	}
	return int64(n)
}
