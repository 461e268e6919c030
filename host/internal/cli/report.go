package cli

import (
	"errors"
	"fmt"
	"strings"

	"booking/host/internal/config"
	"booking/host/internal/problem"
	"booking/shared/crm"
)

// The exit statuses of the contract.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitBusy   = 3
)

// say picks the sentence in the operator's language.
func (a *app) say(ru, en string) string { return crm.Text{RU: ru, EN: en}.In(a.locale) }

// report prints what went wrong in one line and returns the exit status.
func (a *app) report(err error) int {
	status := exitStatus(err)
	var told silent
	if err == nil || errors.As(err, &told) {
		return status
	}
	fmt.Fprintln(a.stderr, "booking-host: "+oneLine(a.usageText(problem.TextOf(err).In(a.locale))))
	if status == exitUsage && !errors.Is(err, config.ErrWrong) {
		fmt.Fprintln(a.stderr, oneLine(a.say("Помощь: booking-host ", "Help: booking-host ")+a.command+" --help"))
	}
	if a.log != nil {
		a.log.Debug("the error in full", "error", err.Error())
	}
	return status
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
