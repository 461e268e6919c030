package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"booking/shared/secret"
)

func TestTextIsMaskedEverywhere(t *testing.T) {
	const hidden = "s3cr3t-webhook"
	text := secret.New(hidden)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+" ", text)
		fmt.Fprintf(&out, verb+" ", &text)
		fmt.Fprintf(&out, verb+" ", struct{ Inner secret.Text }{text})
		fmt.Fprintf(&out, verb+" ", struct{ inner secret.Text }{text})
		fmt.Fprintf(&out, verb+" ", struct{ inner *secret.Text }{&text})
	}
	if err := json.NewEncoder(&out).Encode(map[string]any{"a": text, "b": &text}); err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", text, "group", slog.GroupValue(slog.Any("s", text)))
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", text)
	for _, form := range []string{hidden, fmt.Sprintf("%x", hidden), fmt.Sprintf("%X", hidden)} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the secret is visible as %q in:\n%s", form, out.String())
		}
	}
	if !strings.Contains(out.String(), "***") {
		t.Error("nothing was printed")
	}
	if text.Reveal() != hidden || text.Empty() || !(secret.Text{}).Empty() {
		t.Error("Reveal and Empty do not tell the truth")
	}
	if text != secret.New(hidden) || text == secret.New("other") || (secret.Text{}) != secret.New("") {
		t.Error("== does not compare the secrets")
	}
}
