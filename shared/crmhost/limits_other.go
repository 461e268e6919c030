//go:build !linux

package crmhost

// limit does nothing: only Linux can bound another process.
func limit(int, Limits) error { return nil }
