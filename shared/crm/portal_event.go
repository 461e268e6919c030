package crm

import "context"

// MaxEventBytes bounds the body of an event, in bytes: a portal's are below 4 KiB.
const MaxEventBytes = 64 << 10

// EventReader is what a plugin of the capability events is beside [Plugin].
type EventReader interface {
	// ReadEvent says whether a message that came from outside is the portal's, and
	// whom it is about. It calls nobody. A message that cannot be believed is a
	// [PortalEvent] with a reason, not an error.
	ReadEvent(ctx context.Context, m EventMessage) (PortalEvent, error)
}

// EventMessage is what somebody, perhaps the tenant's portal, has sent.
type EventMessage struct {
	Tenant      Tenant
	Settings    Settings
	ContentType string
	Body        []byte
}

// PortalEvent is what is believed of a message: ids, and nothing else.
type PortalEvent struct {
	// Authentic: it carries the proof that only the portal knows.
	Authentic bool
	Reason    EventReason
	// ExternalIDs are the people it is about, each once; none exactly when there is a
	// reason.
	ExternalIDs []string
}

// EventReason says why an event asks for nothing. Newer words may come.
type EventReason string

// The reasons of protocol 1.
const (
	// EventNoPeople: authentic, and about nobody.
	EventNoPeople EventReason = "no_people"
	// EventNotConfigured: the settings hold no proof to compare with.
	EventNotConfigured EventReason = "not_configured"
	// EventNoProof: the message carries none.
	EventNoProof EventReason = "no_proof"
	// EventWrongProof: it carries another one.
	EventWrongProof EventReason = "wrong_proof"
	// EventAnotherPortal: the proof is right, and another portal is named.
	EventAnotherPortal EventReason = "another_portal"
	// EventMalformed: it is not of the portal's form.
	EventMalformed EventReason = "malformed"
	// EventTooLarge: it is larger than [MaxEventBytes].
	EventTooLarge EventReason = "too_large"
)
