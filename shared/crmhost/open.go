package crmhost

import "os"

// Open verifies the plugin as [Trust.Verify] does and returns the very file that was
// hashed, for a caller who executes it by other means than [Start].
func (t Trust) Open(f Found) (*os.File, error) {
	file, err := t.open(f)
	if err != nil {
		return nil, err
	}
	return file.File, nil
}
