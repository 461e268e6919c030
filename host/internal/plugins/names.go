package plugins

import "booking/shared/crmhost"

// Names lists the plugins that are there and whole, whether or not they are trusted.
func (k *Keeper) Names() ([]string, error) {
	all, err := crmhost.Discover(k.options.Dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, found := range all {
		if found.Err == nil {
			names = append(names, found.Name)
		}
	}
	return names, nil
}
