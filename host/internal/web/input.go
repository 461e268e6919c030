package web

import (
	"booking/host/internal/store"
	"booking/shared/crm"
)

// inputView is a labelled input of one line, with what is wrong with it beside it.
type inputView struct {
	// Key is its name in the form and its id in the page.
	Key   string
	Label crm.Text
	// Type and Auto are HTML's type and autocomplete.
	Type, Auto string
	Value      string
	Help       crm.Text
	Required   bool
	// Min and Max bound the length, in UTF-16 units as HTML counts; 0: not here.
	Min, Max int
	Error    crm.Text
	// Holder is who has the value already.
	Holder store.User
	// Typed is what the visitor had typed where Value is somebody else's newer one.
	Typed string
}

// mark puts the mistakes next to the inputs they are about, and returns those that have none.
func mark(inputs []inputView, mistakes []store.Mistake) (rest []store.Mistake) {
	for _, m := range mistakes {
		found := false
		for i := range inputs {
			if inputs[i].Key == m.Field {
				inputs[i].Error, inputs[i].Holder, found = m.Message, m.Holder, true
			}
		}
		if !found {
			rest = append(rest, m)
		}
	}
	return rest
}

// mendWhatIsMarked heads a form with mistakes in it.
var mendWhatIsMarked = crm.Text{RU: "Не сохранено: исправьте отмеченное.", EN: "Not saved: mend what is marked."}
