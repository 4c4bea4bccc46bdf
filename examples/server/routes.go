package main

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"reflect"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const description = `Points and tiers, stamp cards, coupons and the till of a shop; activation codes, leads and pushed tickets of a sales office.

Most writes have an **Idempotency-Key**: repeated with it, a write changes nothing and gives its first answer, in the parts about shops
with the header Idempotency-Replayed; with the key of another write it is refused. Publishing a version of any kind, a preview,
confirming a claim, verifying a program, certifying a press, sweeping and pruning, signing in, beats, events of leads, visits and the work on tickets may be repeated as they are.

A problem (RFC 9457) has a type that never changes, such as /problems/stamps-full: switch on that, and show the detail to people.

A customer signs in (/sessions) and has a bearer token, which is good for what customers do and, in the shops that they manage, for what
managers do. The admin's token is that of the server's settings.`

// demoDescription is what the document of the demo says besides.
const demoDescription = `

Tokens of the demo: demo-customer-alice, demo-customer-bob, demo-manager-kathy (of wangjing), demo-manager-li (of sanlitun),
demo-visitor-wang (of no shop), demo-admin.`

// routes returns the operations, the document that describes them, and the page that shows it.
func (s *Server) routes() *http.ServeMux {
	cfg := huma.DefaultConfig("scrmkit", "1.0.0")
	cfg.Info.Description = description
	if s.cfg.Demo {
		cfg.Info.Description += demoDescription
	}
	cfg.Tags = tags(s.phones != nil)
	cfg.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	for _, e := range enumerations {
		cfg.Components.Schemas.RegisterTypeAlias(e.of, e.alias)
	}
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{scheme: {Type: "http", Scheme: "bearer"}}
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath, cfg.CreateHooks = "", "", "", nil
	cfg.RejectUnknownQueryParameters = true
	cfg.Transformers = []huma.Transformer{complete}
	mux := http.NewServeMux()
	api := humago.New(mux, cfg)
	api.UseMiddleware(s.authorize)

	s.signInRoutes(api)
	s.profileRoutes(api)
	s.customerRoutes(api)
	s.managerRoutes(api)
	s.programRoutes(api)
	s.shopRoutes(api)
	s.cardRoutes(api)
	s.pointsRoutes(api)
	s.rewardRoutes(api)
	s.voucherRoutes(api)
	s.codeRoutes(api)
	s.agentRoutes(api)
	s.leadRoutes(api)
	s.ticketRoutes(api)
	s.journalRoutes(api)
	if s.wechat != nil {
		s.weChatRoutes(api)
		s.invitationRoutes(api)
		mux.Handle("GET "+callbackPath, s.wechat.pushes)
		mux.Handle("POST "+callbackPath, s.wechat.pushes)
	}
	if s.phones != nil {
		s.demoRoutes(api)
	}

	complement(api.OpenAPI())
	for path, document := range documents(api.OpenAPI()) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/openapi+json")
			_, _ = w.Write(document)
		})
	}
	mux.HandleFunc("POST /hooks/{site}", s.hook)
	mux.Handle("GET /docs/", docs())
	mux.Handle("GET /{$}", http.RedirectHandler("/docs/", http.StatusFound))
	return mux
}

// documents returns the OpenAPI document by its path: as version 3.1, and as 3.0 for the tools that
// read no other.
func documents(d *huma.OpenAPI) map[string][]byte {
	newest, err1 := d.MarshalJSON()
	old, err2 := d.Downgrade()
	if err := errors.Join(err1, err2); err != nil {
		panic(err) // it is made of what is registered alone
	}
	return map[string][]byte{"/openapi.json": newest, "/openapi-3.0.json": old}
}

var packages = regexp.MustCompile(`(?:[\w./-]+/)?(\w+)\.(\w+)`)

// schemaName tells types of the same name in several packages apart: a stamps.Record is
// StampsRecord.
func schemaName(t reflect.Type, hint string) string {
	name := hint
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Name() != "" {
		name = t.String()
	}
	name = packages.ReplaceAllStringFunc(name, func(s string) string {
		part := packages.FindStringSubmatch(s)
		if part[1] == "main" {
			return title(part[2])
		}
		return title(part[1]) + title(part[2])
	})
	return title(strings.NewReplacer("[", "Of", "]", "").Replace(name))
}

func title(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// op adds an operation for callers of a role.
func op[I, O any](s *Server, api huma.API, who role, method, path, summary string, do func(context.Context, *I) (*O, error)) {
	huma.Register(api, describe(who, method, path, summary), func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, in)
		if err != nil {
			model, header := s.explain(ctx, err)
			return nil, huma.ErrorWithHeaders(model, header)
		}
		return out, nil
	})
}

// security is what an operation for a role asks of its caller.
func security(who role) []map[string][]string {
	if who == anyone {
		return []map[string][]string{}
	}
	return []map[string][]string{{scheme: {string(who)}}}
}

// explain tells the caller what the error is, and the log what the caller is not told.
func (s *Server) explain(ctx context.Context, err error) (*huma.ErrorModel, http.Header) {
	model, header := status(err)
	if model.Status >= http.StatusInternalServerError {
		s.cfg.Log.ErrorContext(ctx, "operation failed", "status", model.Status, "err", err, "request", ctx.Value(requestKey{}))
	}
	return model, header
}

// Keyed is the part of a write that makes it safe to repeat.
type Keyed struct {
	Key string `header:"Idempotency-Key" required:"true" minLength:"1" maxLength:"128" doc:"Names the write; repeated with it, the write gives its first answer"`
}

// Paged is the part of a list that bounds it.
type Paged struct {
	Limit int `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}

// A reply is what an operation answers.
type reply[T any] struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true: the key was used before, and this is the first answer"`
	Body     T
}

// A done is the answer of an operation that has nothing to tell.
type done struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true: the key was used before"`
}

// A list is the answer of an operation that has many things to tell.
type list[T any] struct {
	Items []T `json:"items" nullable:"false"`
}

// answered is the reply to a command.
func answered[T any](body T, replayed bool, err error) (*reply[T], error) {
	if err != nil {
		return nil, err
	}
	return &reply[T]{mark(replayed), body}, nil
}

// found is the reply to a question.
func found[T any](body T, err error) (*reply[T], error) { return answered(body, false, err) }

// listed is the reply of at most limit things.
func listed[T any](seq iter.Seq2[T, error], limit int) (*reply[list[T]], error) {
	items := []T{}
	for v, err := range seq {
		if err != nil {
			return nil, err
		}
		if items = append(items, v); len(items) == limit {
			break
		}
	}
	return found(list[T]{items}, nil)
}

func mark(replayed bool) string {
	if replayed {
		return "true"
	}
	return ""
}

// value is what p points to, or nothing where a command failed.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
