package problem_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"booking/host/internal/problem"
	"booking/shared/crm"
)

func TestTextOfFindsTheSentenceForPeople(t *testing.T) {
	t.Parallel()
	kind := errors.New("kind")
	sentence := crm.Text{RU: "Порт занят", EN: "The port is taken"}
	for name, c := range map[string]struct {
		err  error
		want crm.Text
	}{
		"nothing":         {nil, crm.Text{}},
		"ours":            {problem.New(kind, sentence, io.EOF), sentence},
		"ours, wrapped":   {fmt.Errorf("listen: %w", problem.New(nil, sentence, nil)), sentence},
		"a plugin's":      {fmt.Errorf("sync: %w", crm.NewError(crm.CodeBusy, sentence, nil)), sentence},
		"ours goes first": {problem.New(nil, sentence, crm.NewError(crm.CodeBusy, crm.Text{EN: "below"}, nil)), sentence},
		"any other":       {io.EOF, crm.Text{RU: "EOF", EN: "EOF"}},
	} {
		if got := problem.TextOf(c.err); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestErrorKeepsKindAndCause(t *testing.T) {
	t.Parallel()
	kind := errors.New("kind")
	err := problem.New(kind, crm.Text{EN: "cannot start"}, io.EOF)
	if !errors.Is(err, kind) || !errors.Is(err, io.EOF) {
		t.Error("kind or cause is lost")
	}
	if err.Error() != "cannot start: EOF" {
		t.Errorf("text %q", err)
	}
}
