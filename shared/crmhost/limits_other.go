//go:build !linux

package crmhost

// limit does nothing: only Linux can bound another process.
func limit(int, Limits) error { return nil }

// yield does nothing: only on Linux has a thread a niceness of its own to hand on.
func yield() error { return nil }
