package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/scrmkit/scrmkit/stamps"
	"github.com/scrmkit/scrmkit/stamps/shop"
)

// A role is what an operation needs of its caller.
type role string

const (
	customer role = "customer" // acts on what is his own
	staff    role = "staff"    // acts in the shop that he manages at that moment, or accepts to manage one
	admin    role = "admin"    // acts for the brand
)

// A principal is who calls. Its name is a member's id or a manager's identity.
type principal struct {
	role     role
	name     string
	nickname string
}

func (p principal) member() stamps.MemberID { return stamps.MemberID(p.name) }
func (p principal) identity() shop.Identity { return shop.Identity(p.name) }

// tokens stands in for the embedder's sign-in (of WeChat, or an OpenID provider), which would verify a token and take
// the principal from its claims.
var tokens = map[string]principal{
	"demo-customer-alice": {customer, "alice", "Alice"},
	"demo-customer-bob":   {customer, "bob", "Bob"},
	"demo-manager-kathy":  {staff, "wx-kathy", "Kathy"},
	"demo-manager-li":     {staff, "wx-li", "Li"},
	"demo-visitor-wang":   {staff, "wx-wang", "Wang"},
	"demo-admin":          {admin, "admin", "Admin"},
}

// whose returns whose token it is. How long it takes tells nothing of the tokens.
func whose(token string) (found principal, ok bool) {
	given := sha256.Sum256([]byte(token))
	for known, p := range tokens {
		sum := sha256.Sum256([]byte(known))
		if subtle.ConstantTimeCompare(given[:], sum[:]) == 1 {
			found, ok = p, true
		}
	}
	return found, ok
}

type callerKey struct{}

// caller returns who calls, within an operation.
func caller(ctx context.Context) principal { return ctx.Value(callerKey{}).(principal) }

// scheme names the security scheme of the OpenAPI document.
const scheme = "bearer"

// authorize lets an operation begin where the token is of the role that the operation names, and where its path names a
// shop, only for one who manages that shop at this moment.
func (s *Server) authorize(ctx huma.Context, next func(huma.Context)) {
	_, w := humago.Unwrap(ctx)
	kind, token, _ := strings.Cut(ctx.Header("Authorization"), " ")
	if !strings.EqualFold(kind, "bearer") || token == "" {
		writeProblem(w, problem(http.StatusUnauthorized, "the request has no bearer token"),
			http.Header{"Www-Authenticate": {`Bearer realm="scrmkit"`}})
		return
	}
	p, ok := whose(token)
	if !ok {
		writeProblem(w, problem(http.StatusUnauthorized, "the token is unknown"),
			http.Header{"Www-Authenticate": {`Bearer realm="scrmkit", error="invalid_token"`}})
		return
	}
	if !slices.Contains(ctx.Operation().Security[0][scheme], string(p.role)) {
		writeProblem(w, problem(http.StatusForbidden, "the operation is not for a "+string(p.role)), nil)
		return
	}
	if id := ctx.Param("shop"); id != "" && p.role == staff {
		if _, err := s.shops.Authorize(ctx.Context(), shop.ID(id), p.identity()); err != nil {
			model, header := s.explain(ctx.Context(), err)
			writeProblem(w, model, header)
			return
		}
	}
	next(huma.WithValue(ctx, callerKey{}, p))
}
