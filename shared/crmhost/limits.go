package crmhost

// Limits are what one plugin process may take. Zero values are the defaults.
type Limits struct {
	// Memory is the most it may have for data (heap and writable mappings), in
	// bytes (2 GiB); beyond it the plugin dies of its own allocation.
	Memory uint64
	// Files is how many descriptors it may have open (1024).
	Files uint64
	// Events is how many changes and progress reports one run may send
	// (10,000,000), Bytes how much text is in them (4 GiB): beyond it the run fails
	// with plugin_answer.
	Events int
	Bytes  int64
}

func (l Limits) withDefaults() Limits {
	if l.Memory == 0 {
		l.Memory = 2 << 30
	}
	if l.Files == 0 {
		l.Files = 1024
	}
	if l.Events == 0 {
		l.Events = 10_000_000
	}
	if l.Bytes == 0 {
		l.Bytes = 4 << 30
	}
	return l
}
