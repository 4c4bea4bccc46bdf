package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/stamps/shop"
)

// A role is what an operation needs of its caller.
type role string

const (
	customer role = "customer" // acts on what is his own
	staff    role = "staff"    // acts in the shop that he manages at that moment, or accepts to manage one
	admin    role = "admin"    // acts for the brand
	agent    role = "agent"    // has signed in with an activation code
	anyone   role = ""
)

// A principal is who calls. Its name is a member's id, a manager's identity or an agent's session:
// what agents call themselves may be anybody's name.
type principal struct {
	role     role
	name     string
	nickname string

	access activation.Access // of an agent
	token  string            // of an agent's session
}

func (p principal) member() ids.Member      { return ids.Member(p.name) }
func (p principal) identity() shop.Identity { return shop.Identity(p.name) }

// tokens stands in for the embedder's sign-in (of WeChat, or an OpenID provider), which would
// verify a token and take the principal from its claims.
var tokens = map[string]principal{
	"demo-customer-alice": {role: customer, name: "alice", nickname: "Alice"},
	"demo-customer-bob":   {role: customer, name: "bob", nickname: "Bob"},
	"demo-manager-kathy":  {role: staff, name: "wx-kathy", nickname: "Kathy"},
	"demo-manager-li":     {role: staff, name: "wx-li", nickname: "Li"},
	"demo-visitor-wang":   {role: staff, name: "wx-wang", nickname: "Wang"},
	"demo-admin":          {role: admin, name: "admin", nickname: "Admin"},
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

// whose returns whose token it is: one of the demo, or that of an agent's session.
func (s *Server) whose(ctx context.Context, token string) (p principal, ok bool, err error) {
	if p, ok = whose(token); ok {
		return p, true, nil
	}
	access, err := s.activation.Check(ctx, token)
	if errors.Is(err, activation.ErrSignedOut) {
		return p, false, nil
	}
	return principal{role: agent, name: access.ID().String(), access: access, token: token}, err == nil, err
}

type callerKey struct{}

// caller returns who calls, within an operation.
func caller(ctx context.Context) principal { return ctx.Value(callerKey{}).(principal) }

// scheme names the security scheme of the OpenAPI document.
const scheme = "bearer"

// authorize lets an operation begin where the token is of the role that the operation names, and
// where its path names a shop, only for one who manages that shop at this moment.
func (s *Server) authorize(ctx huma.Context, next func(huma.Context)) {
	_, w := humago.Unwrap(ctx)
	if name := repeated(ctx); name != "" {
		writeProblem(w, problem("", http.StatusBadRequest, "the parameter "+name+" is there more than once"), nil)
		return
	}
	ctx = several{ctx}
	if len(ctx.Operation().Security) == 0 {
		next(huma.WithValue(ctx, callerKey{}, principal{}))
		return
	}
	p, ok := s.permit(ctx.Context(), w, ctx.Header("Authorization"), ctx.Operation().Security[0][scheme])
	if !ok {
		return
	}
	if id := ctx.Param("shop"); id != "" && p.role == staff {
		if _, err := s.shops.Authorize(ctx.Context(), ids.Shop(id), p.identity()); err != nil {
			model, header := s.explain(ctx.Context(), err)
			writeProblem(w, model, header)
			return
		}
	}
	next(huma.WithValue(ctx, callerKey{}, p))
}

// permit returns who calls with an Authorization header, where that is of one of the roles; else it
// has told the caller.
func (s *Server) permit(ctx context.Context, w http.ResponseWriter, authorization string, roles []string) (principal, bool) {
	kind, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(kind, "bearer") || token == "" {
		writeProblem(w, problem("", http.StatusUnauthorized, "the request has no bearer token"),
			http.Header{"Www-Authenticate": {`Bearer realm="scrmkit"`}})
		return principal{}, false
	}
	p, ok, err := s.whose(ctx, token)
	switch {
	case err != nil:
		model, header := s.explain(ctx, err)
		writeProblem(w, model, header)
		return p, false
	case !ok:
		writeProblem(w, problem("", http.StatusUnauthorized, "the token is unknown"),
			http.Header{"Www-Authenticate": {`Bearer realm="scrmkit", error="invalid_token"`}})
		return p, false
	case !slices.Contains(roles, string(p.role)):
		writeProblem(w, problem("", http.StatusForbidden, "the operation is not for a "+string(p.role)), nil)
		return p, false
	}
	return p, true
}

// several joins the values of a list that is given by several parameters of its name, as
// "platform=line&platform=zalo", to the one that it may be given by as well: "platform=line,zalo".
type several struct{ humaContext }

type humaContext huma.Context // by another name than its method's

func (c several) Query(name string) string {
	url := c.URL()
	return strings.Join(url.Query()[name], ",")
}

func (c several) Unwrap() huma.Context { return c.humaContext }

// repeated returns the name of a parameter that has one value and was given more, so that none of
// them is dropped.
func repeated(ctx huma.Context) string {
	url := ctx.URL()
	given := url.Query()
	for _, p := range ctx.Operation().Parameters {
		if p.In == "query" && p.Schema.Type != huma.TypeArray && len(given[p.Name]) > 1 {
			return p.Name
		}
	}
	return ""
}
