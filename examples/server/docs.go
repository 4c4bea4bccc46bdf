package main

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"

	"github.com/swaggest/swgui/v5emb"
)

var inlineScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

// docs returns the page that shows the document. Its policy allows the scripts that it comes with,
// and no other; the page writes styles as it runs.
func docs() http.Handler {
	page := v5emb.New("scrmkit", "/openapi.json", "/docs/")
	shown := httptest.NewRecorder()
	page.ServeHTTP(shown, httptest.NewRequest(http.MethodGet, "/docs/", nil))
	allowed := []string{"'self'"}
	for _, m := range inlineScript.FindAllStringSubmatch(shown.Body.String(), -1) {
		sum := sha256.Sum256([]byte(m[1]))
		allowed = append(allowed, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	policy := strings.Join([]string{
		"default-src 'none'", "script-src " + strings.Join(allowed, " "), "style-src 'self' 'unsafe-inline'",
		"img-src 'self' data:", "connect-src 'self'", closedPolicy,
	}, "; ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		page.ServeHTTP(w, r)
	})
}

// closedPolicy is what no page of the server needs.
const closedPolicy = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
