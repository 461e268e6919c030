package api

import (
	_ "embed"
	"encoding/json"
	"net/http"
)

// description is the OpenAPI 3.1 description of everything here.
//
//go:embed openapi.json
var description []byte

func (s *Server) openAPI(*http.Request, call) (result, error) {
	return result{body: json.RawMessage(description)}, nil
}
