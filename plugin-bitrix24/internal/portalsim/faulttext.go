package portalsim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseFault reads a fault as the command line and the control address take it: the
// kind, then places with commas between, for example
// "query_limit,request=3,every=3,times=always" or "empty_page,command=last".
func ParseFault(s string) (Fault, error) {
	name, rest, more := strings.Cut(strings.TrimSpace(s), ",")
	f := Fault{Kind: Kind(name)}
	for more {
		var place string
		place, rest, more = strings.Cut(rest, ",")
		key, value, _ := strings.Cut(place, "=")
		if err := f.place(key, value); err != nil {
			return Fault{}, fmt.Errorf("fault %s: %w", name, err)
		}
	}
	return f, f.validate()
}

func (f *Fault) place(key, value string) error {
	var err error
	switch key {
	case "method":
		f.Method = value
	case "request":
		f.Request, err = strconv.Atoi(value)
	case "every":
		f.Every, err = strconv.Atoi(value)
	case "times":
		if f.Times = Always; value != "always" {
			f.Times, err = strconv.Atoi(value)
		}
	case "command":
		if f.Command = Last; value != "last" {
			f.Command, err = strconv.Atoi(value)
		}
	case "for":
		f.For, err = time.ParseDuration(value)
	default:
		return fmt.Errorf("unknown place %q; known are method, request, every, times, command and for", key)
	}
	if err != nil {
		return fmt.Errorf("read %s=%s: %w", key, value, err)
	}
	return nil
}
