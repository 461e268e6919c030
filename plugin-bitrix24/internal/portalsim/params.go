package portalsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// maxBody limits what the simulator reads: 50 commands are far below it.
const maxBody = 8 << 20

// readParams reads a request's parameters as the portal does: the query string,
// and over it a body in JSON, form or multipart encoding
// (settings/how-to-call-rest-api/general-principles.md, "Request Structure").
func readParams(r *http.Request) (*array, error) {
	params := newArray()
	parseQuery(params, r.URL.RawQuery)
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	kind, options, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return params, nil
	case strings.HasSuffix(kind, "json"):
		return params, mergeJSON(params, body)
	case kind == "multipart/form-data":
		return params, mergeMultipart(params, body, options["boundary"])
	}
	parseQuery(params, string(body))
	return params, nil
}

func mergeJSON(params *array, body []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	value, err := decodeJSON(decoder)
	if err != nil {
		return fmt.Errorf("decode JSON body: %w", err)
	}
	object, ok := value.(*array)
	if !ok {
		return errors.New("decode JSON body: it is no object")
	}
	for _, key := range object.keys {
		params.set(key, object.values[key])
	}
	return nil
}

// decodeJSON keeps the order of an object's keys, which encoding/json's maps lose.
func decodeJSON(decoder *json.Decoder) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	out := newArray()
	for decoder.More() {
		var key any
		if delim == '{' {
			if key, err = decoder.Token(); err != nil {
				return nil, err
			}
		}
		value, err := decodeJSON(decoder)
		if err != nil {
			return nil, err
		}
		if name, named := key.(string); named {
			out.set(name, value)
		} else {
			out.push(value)
		}
	}
	_, err = decoder.Token()
	return out, err
}

func mergeMultipart(params *array, body []byte, boundary string) error {
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read multipart body: %w", err)
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return fmt.Errorf("read multipart body: %w", err)
		}
		setPath(params, part.FormName(), string(value))
	}
}

// parseQuery reads a PHP-style query: FILTER[>ID]=5&select[]=ID&select[]=NAME.
func parseQuery(params *array, query string) {
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		setPath(params, unescape(name), unescape(value))
	}
}

// unescape decodes what can be decoded; PHP refuses nothing.
func unescape(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}

// setPath stores value under a name with PHP's brackets: a[b][] = value.
func setPath(params *array, name, value string) {
	at, path := params, splitPath(name)
	for i, key := range path {
		if i == len(path)-1 {
			if key == "" && i > 0 {
				at.push(value)
			} else {
				at.set(key, value)
			}
			return
		}
		child, ok := at.get(key).(*array)
		if !ok || key == "" && i > 0 {
			child = newArray()
			if key == "" && i > 0 {
				at.push(child)
			} else {
				at.set(key, child)
			}
		}
		at = child
	}
}

func splitPath(name string) []string {
	head, rest, found := strings.Cut(name, "[")
	path := []string{head}
	for found {
		var key string
		if key, rest, found = strings.Cut(rest, "]"); !found {
			break
		}
		path = append(path, key)
		_, rest, found = strings.Cut(rest, "[")
	}
	return path
}
