package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/scrmkit/scrmkit/ids"
	"github.com/scrmkit/scrmkit/scrm/activation"
	"github.com/scrmkit/scrmkit/scrm/session"
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
	roles []role
	name  string
	from  string // origin of the request, an IP address: of a proxy, where there is one

	access activation.Access // of an agent
	token  string            // of an agent's session
}

func (p principal) member() ids.Member      { return ids.Member(p.name) }
func (p principal) identity() shop.Identity { return shop.Identity(p.name) }

// A tokenHash is the SHA-256 of a token.
type tokenHash [sha256.Size]byte

// tokens returns whose tokens there are that are of no session: that of the admin, and those of the
// demo.
func tokens(cfg Config) (map[tokenHash]principal, error) {
	known := map[tokenHash]principal{}
	if cfg.AdminToken != "" {
		if len(cfg.AdminToken) < minToken {
			return nil, fmt.Errorf("SCRMKIT_ADMIN_TOKEN has fewer than %d characters", minToken)
		}
		known[sha256.Sum256([]byte(cfg.AdminToken))] = principal{roles: []role{admin}, name: "admin"}
	}
	if cfg.Demo {
		for token, p := range demoTokens {
			known[sha256.Sum256([]byte(token))] = p
		}
	}
	return known, nil
}

// minToken is how many characters the token of the admin has at least.
const minToken = 32

// whose returns whose token it is: one of those of no session, that of a customer's session, or
// that of an agent's. How long it takes tells nothing of the first ones.
func (s *Server) whose(ctx context.Context, token string) (p principal, ok bool, err error) {
	given := tokenHash(sha256.Sum256([]byte(token)))
	for known, holder := range s.tokens {
		if subtle.ConstantTimeCompare(given[:], known[:]) == 1 {
			p, ok = holder, true
		}
	}
	if ok {
		return p, true, nil
	}
	member, _, err := s.signin.Session(ctx, token)
	if !errors.Is(err, session.ErrInvalid) {
		return principal{roles: []role{customer, staff}, name: string(member)}, err == nil, err
	}
	access, err := s.activation.Check(ctx, token)
	if errors.Is(err, activation.ErrSignedOut) {
		return p, false, nil
	}
	return principal{roles: []role{agent}, name: access.ID().String(), access: access, token: token}, err == nil, err
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
		next(huma.WithValue(ctx, callerKey{}, principal{from: origin(ctx.RemoteAddr())}))
		return
	}
	who := role(ctx.Operation().Security[0][scheme][0])
	p, ok := s.permit(ctx.Context(), w, ctx.Header("Authorization"), who)
	if !ok {
		return
	}
	p.from = origin(ctx.RemoteAddr())
	if id := ctx.Param("shop"); id != "" && who == staff {
		if _, err := s.shops.Authorize(ctx.Context(), ids.Shop(id), p.identity()); err != nil {
			model, header := s.explain(ctx.Context(), err)
			writeProblem(w, model, header)
			return
		}
	}
	next(huma.WithValue(ctx, callerKey{}, p))
}

// origin returns the IP address of a request's RemoteAddr; "": it has none.
func origin(addr string) string {
	host, _, _ := net.SplitHostPort(addr)
	return host
}

// permit returns who calls with an Authorization header, where that is of the role; else it has
// told the caller.
func (s *Server) permit(ctx context.Context, w http.ResponseWriter, authorization string, who role) (principal, bool) {
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
	case !slices.Contains(p.roles, who):
		writeProblem(w, problem("", http.StatusForbidden, "the operation is not for a "+string(p.roles[0])), nil)
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
