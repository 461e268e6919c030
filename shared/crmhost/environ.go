package crmhost

import "strings"

// allowed are the variables of this process that a plugin may see. Everything
// else, secrets above all, stays here.
var allowed = map[string]bool{"PATH": true, "TZ": true, "LANG": true, "SSL_CERT_FILE": true, "SSL_CERT_DIR": true}

// environment is what a plugin gets: the allowed variables of host, a TMPDIR of
// its own, and go-plugin's.
func environment(host []string, temp string, goPlugin []string) []string {
	env := []string{"TMPDIR=" + temp}
	for _, entry := range host {
		key, _, _ := strings.Cut(entry, "=")
		if allowed[key] || strings.HasPrefix(key, "LC_") {
			env = append(env, entry)
		}
	}
	return append(env, goPlugin...)
}
