package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"

	"booking/host/internal/store"
)

//go:embed static/*
var staticFiles embed.FS

// staticFile is a file of the pages; its address changes with its content, so that a
// browser may keep it for good.
type staticFile struct {
	content []byte
	kind    string
	address string
}

var kinds = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

func readStatic() (map[string]staticFile, error) {
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		return nil, fmt.Errorf("list the static files: %w", err)
	}
	all := map[string]staticFile{}
	for _, entry := range entries {
		content, err := staticFiles.ReadFile("static/" + entry.Name())
		if err != nil {
			return nil, fmt.Errorf("read a static file: %w", err)
		}
		sum := sha256.Sum256(content)
		all[entry.Name()] = staticFile{content, kinds[path.Ext(entry.Name())], "/static/" + entry.Name() + "?v=" + hex.EncodeToString(sum[:6])}
	}
	return all, nil
}

func (s *Server) staticFile(w http.ResponseWriter, r *http.Request, _ *visit) error {
	file, there := s.static[r.PathValue("file")]
	if !there {
		return store.ErrNotFound
	}
	w.Header().Set("Content-Type", file.kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(file.content)
	return nil
}
