// Package logging makes the host's logger and speaks the lines people grep for.
//
// Whatever a value holds, one record is one line of printable characters: names
// and addresses come from a portal, and one of them must not be able to forge a
// line or to move a terminal's cursor.
package logging

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"booking/host/internal/problem"
	"booking/shared/crm"
)

// Options say where records go and in which form.
type Options struct {
	// Out receives the records while File is empty.
	Out io.Writer
	// File is appended to and made with mode 0600; empty: Out.
	File  string
	Level slog.Level
	// JSON chooses one JSON object a line instead of text.
	JSON bool
}

// New makes a logger. Close closes its file, if there is one; without a file it does nothing.
func New(o Options) (*slog.Logger, io.Closer, error) {
	out, closer := o.Out, io.Closer(nothing{})
	if o.File != "" {
		file, err := os.OpenFile(o.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, nil, problem.New(nil, crm.Text{
				RU: fmt.Sprintf("Журнал %s не открывается: проверьте BOOKING_LOG_FILE и права на папку", o.File),
				EN: fmt.Sprintf("The log file %s cannot be opened: check BOOKING_LOG_FILE and the folder's permissions", o.File),
			}, err)
		}
		out, closer = file, file
	}
	settings := &slog.HandlerOptions{Level: o.Level}
	guarded := &guard{out: out}
	if o.JSON {
		return slog.New(slog.NewJSONHandler(guarded, settings)), closer, nil
	}
	return slog.New(slog.NewTextHandler(guarded, settings)), closer, nil
}

type nothing struct{}

func (nothing) Close() error { return nil }
