package main

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// typePrefix begins the type of every problem.
const typePrefix = "/problems/"

// problem returns a problem of RFC 9457. A problem without a name of its own has that of its
// status.
func problem(name string, status int, detail string) *huma.ErrorModel {
	if name == "" {
		name = strings.ReplaceAll(strings.ToLower(http.StatusText(status)), " ", "-")
	}
	return &huma.ErrorModel{Type: typePrefix + name, Title: http.StatusText(status), Status: status, Detail: detail}
}

// complete gives a problem that huma made its type, and takes what the caller sent out of it, for
// that may be a code or a token.
func complete(_ huma.Context, _ string, v any) (any, error) {
	if p, ok := v.(*huma.ErrorModel); ok {
		if p.Type == "" {
			p.Type = problem("", p.Status, "").Type
		}
		for _, e := range p.Errors {
			e.Value = nil
		}
	}
	return v, nil
}

func writeProblem(w http.ResponseWriter, p *huma.ErrorModel, header http.Header) {
	for name, values := range header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // as for any answer
}

// retryAfter is in whole seconds, rounded up.
func retryAfter(d time.Duration) http.Header {
	return http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(d.Seconds())))}}
}
