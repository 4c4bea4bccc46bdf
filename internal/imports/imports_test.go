package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module = "github.com/scrmkit/scrmkit"
	root   = "../.." // of the repository
)

// leaves are what every context may depend on.
var leaves = []string{"errs", "ids", "secret", "storage", "storage/journal", "scrm/message", "scrm/phone"}

// ground is what everything stands on, each with the packages that it may depend on beside the
// standard library.
var ground = map[string][]string{"errs": {}, "ids": {}, "secret": {}, "storage/journal": {"errs"}, "storage": {"errs", "storage/journal", "internal/tripwire"}}

// contexts are the packages of rules and engines, each with the modules that it may import. Beside
// those a context depends on the standard library, leaves and internal packages alone.
var contexts = map[string][]string{
	"loyalty":           {"github.com/expr-lang/expr", "github.com/hashicorp/golang-lru/v2"},
	"loyalty/reward":    {"github.com/hashicorp/golang-lru/v2"},
	"scrm/activation":   {"golang.org/x/text"},
	"scrm/customer":     {"github.com/hashicorp/golang-lru/v2", "golang.org/x/text"},
	"scrm/lead":         {"github.com/hashicorp/golang-lru/v2", "github.com/nyaruka/phonenumbers/v2", "golang.org/x/text"},
	"scrm/lead/routing": {},
	"scrm/message":      {},
	"scrm/message/mail": {"github.com/wneessen/go-mail", "golang.org/x/text"},
	"scrm/message/sms":  {"golang.org/x/text"},
	"scrm/notice":       {},
	"scrm/phone":        {"github.com/nyaruka/phonenumbers/v2", "golang.org/x/text"},
	"scrm/session":      {},
	"scrm/ticket": {
		"github.com/expr-lang/expr", "github.com/hashicorp/golang-lru/v2", "github.com/nyaruka/phonenumbers/v2", "golang.org/x/text",
	},
	"otp":                 {"github.com/hashicorp/golang-lru/v2", "golang.org/x/text"},
	"otp/authenticator":   {"github.com/pquerna/otp", "golang.org/x/text"},
	"otp/delivery":        {"github.com/nyaruka/phonenumbers/v2", "golang.org/x/text"},
	"stamps":              {"github.com/hashicorp/golang-lru/v2"},
	"storage/relay":       {},
	"storage/retention":   {},
	"stamps/shop":         {"github.com/hashicorp/golang-lru/v2", "golang.org/x/text"},
	"wechat":              {},
	"wechat/callback":     {},
	"wechat/miniprogram":  {},
	"wechat/raw":          {silenceper},
	"wechat/subscription": {},
}

// parts are the contexts that are a part of other ones, on which they stand.
var parts = map[string][]string{
	"storage/retention":   {"storage/relay"},
	"wechat/miniprogram":  {"wechat"},
	"wechat/raw":          {"wechat"},
	"wechat/subscription": {"wechat", "wechat/callback", "wechat/miniprogram"},
}

// flows join contexts over storage. They depend on no driver and not on bun.
var flows = []string{"loyalty/redemption", "loyalty/refund", "loyalty/till", "scrm/desk", "scrm/notifier", "scrm/signin", "stamps/invitation", "stamps/till"}

// helpers are the packages that help tests, and are imported by tests and each other alone; and by
// examples, which show those that embedders have too.
var helpers = []string{
	module + "/internal/pgtest", module + "/internal/race", module + "/internal/dbtest", module + "/internal/golden", module + "/internal/timetest",
	module + "/internal/schemas", module + "/internal/upgrade/worker", module + "/loyalty/loyaltytest", module + "/wechat/wechattest",
}

// drivers are the modules of database drivers that a package could import without the part that
// registers itself.
var drivers = []string{"github.com/jackc/pgx/v5", "modernc.org/sqlite"}

// joiners are the packages that join transactions of a driver, each with its module, of which they
// import no part that registers itself. No other package depends on them.
var joiners = map[string]string{"storage/bunstore/pgxtx": "github.com/jackc/pgx/v5"}

const bun = "github.com/uptrace/bun"

// silenceper is a module of which wechat/raw alone depends on packages, and nothing on its root,
// which takes over the logging of whoever imports it.
const silenceper = "github.com/silenceper/wechat/v2"

// A pkg is a package that the repository's packages, without tests, depend on; itself included.
type pkg struct {
	ImportPath string
	Standard   bool
	Dir        string
	GoFiles    []string
	Imports    []string
	Deps       []string // all that Imports lead to

	driver bool // it registers a driver of database/sql
}

func TestImports(t *testing.T) {
	for _, v := range violations(list(t)) {
		t.Error(v)
	}
}

// list loads every package of the workspace and what it depends on.
func list(t *testing.T) map[string]pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Dir,GoFiles,Imports,Deps",
		"./...", "./examples/...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	pkgs := map[string]pkg{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		if !p.Standard && !ours(p.ImportPath) {
			for _, name := range p.GoFiles {
				text, err := os.ReadFile(filepath.Join(p.Dir, name))
				if err != nil {
					t.Fatal(err)
				}
				p.driver = p.driver || bytes.Contains(text, []byte("sql.Register("))
			}
		}
		pkgs[p.ImportPath] = p
	}
}

// violations returns what breaks the rules, in the order of the packages.
func violations(pkgs map[string]pkg) []string {
	var found []string
	report := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }

	for path, modules := range contexts {
		if _, ok := pkgs[module+"/"+path]; !ok {
			report("%s: no such package", path)
			continue
		}
		allowed := func(dep string) bool {
			return pkgs[dep].Standard || slices.ContainsFunc(modules, func(m string) bool { return within(dep, m) })
		}
		for _, p := range closure(pkgs, module+"/"+path) {
			if !within(p, module+"/internal") && !slices.Contains(leaves, short(p)) && short(p) != path && !slices.Contains(parts[path], short(p)) {
				report("%s: depends on %s", path, short(p))
				continue
			}
			for _, dep := range pkgs[p].Imports {
				if !ours(dep) && !allowed(dep) {
					report("%s: depends on %s, by %s", path, dep, short(p))
				}
			}
		}
	}
	for _, path := range flows {
		p, ok := pkgs[module+"/"+path]
		if !ok {
			report("%s: no such package", path)
		}
		for _, dep := range p.Deps {
			if within(dep, bun) {
				report("%s: depends on %s", path, dep)
			}
		}
	}
	for path, p := range pkgs {
		if !ours(path) {
			continue
		}
		example, helper := within(path, module+"/examples"), slices.Contains(helpers, path)
		_, context := contexts[short(path)]
		allowed, base := ground[short(path)]
		if base {
			for _, dep := range p.Deps {
				if !pkgs[dep].Standard && !slices.Contains(allowed, short(dep)) {
					report("%s: depends on %s", short(path), short(dep))
				}
			}
		}
		if !example && !context && !helper && !base && !slices.Contains(flows, short(path)) &&
			!within(path, module+"/storage") && !within(path, module+"/internal") {
			report("%s: is neither a context nor a flow; give it its place in this test", short(path))
		}
		for _, dep := range p.Deps {
			if _, context := contexts[short(dep)]; context && within(path, module+"/storage") && !slices.Contains(parts[short(path)], short(dep)) {
				report("%s: depends on %s, and no database knows a context", short(path), short(dep))
			}
		}
		for _, dep := range p.Deps {
			if dep == silenceper {
				report("%s: depends on the root of %s, which takes over logging", short(path), dep)
			} else if within(dep, silenceper) && short(path) != "wechat/raw" && !example {
				report("%s: depends on %s, which is for wechat/raw", short(path), dep)
			}
		}
		for _, dep := range p.Imports {
			if shown := example && !within(dep, module+"/internal"); slices.Contains(helpers, dep) && !helper && !shown {
				report("%s: imports %s, which is for tests alone", short(path), short(dep))
			}
			if within(dep, bun) && !example && !helper && !within(path, module+"/storage/bunstore") {
				report("%s: imports %s, which is for storage/bunstore", short(path), dep)
			}
		}
		if example || helper {
			continue
		}
		for _, dep := range p.Deps {
			joined := !pkgs[dep].driver && joiners[short(path)] != "" && within(dep, joiners[short(path)])
			if !joined && (pkgs[dep].driver || slices.ContainsFunc(drivers, func(m string) bool { return within(dep, m) })) {
				report("%s: depends on %s, a driver, which the caller brings", short(path), dep)
			}
		}
	}
	slices.Sort(found)
	return found
}

// closure returns the packages of this repository that path leads to, itself first.
func closure(pkgs map[string]pkg, path string) []string {
	found := []string{path}
	for i := 0; i < len(found); i++ {
		for _, dep := range pkgs[found[i]].Imports {
			if ours(dep) && !slices.Contains(found, dep) {
				found = append(found, dep)
			}
		}
	}
	return found
}

func ours(path string) bool { return within(path, module) }

// within reports whether path is dir or below it.
func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

func short(path string) string { return strings.TrimPrefix(path, module+"/") }

func TestViolations(t *testing.T) {
	// clean is a repository that keeps the rules, imports by package.
	clean := func() map[string][]string {
		return map[string][]string{
			"context":                              nil,
			"database/sql":                         nil,
			"golang.org/x/text/width":              nil,
			"github.com/hashicorp/golang-lru/v2":   nil,
			"github.com/uptrace/bun":               {"database/sql"},
			"github.com/wneessen/go-mail":          nil,
			"github.com/jackc/pgx/v5":              {"context"},
			"github.com/jackc/pgx/v5/stdlib":       {"database/sql"},
			"example.com/mysql":                    {"database/sql"},
			silenceper:                             {"context"},
			silenceper + "/miniprogram":            {"context"},
			module + "/errs":                       {"context"},
			module + "/ids":                        nil,
			module + "/secret":                     nil,
			module + "/internal/combine":           {"context"},
			module + "/internal/pgtest":            {"github.com/jackc/pgx/v5/stdlib"},
			module + "/storage/journal":            {"context", module + "/errs"},
			module + "/loyalty":                    {module + "/storage/journal"},
			module + "/loyalty/redemption":         {module + "/storage", module + "/loyalty", module + "/loyalty/reward"},
			module + "/loyalty/till":               {module + "/storage", module + "/otp"},
			module + "/loyalty/refund":             {module + "/storage", module + "/loyalty/redemption"},
			module + "/loyalty/reward":             {module + "/storage/journal"},
			module + "/otp":                        {"golang.org/x/text/width", module + "/storage/journal"},
			module + "/otp/authenticator":          {module + "/storage/journal"},
			module + "/otp/delivery":               {module + "/scrm/message", module + "/storage/journal"},
			module + "/scrm/activation":            {"context"},
			module + "/scrm/customer":              {"context"},
			module + "/scrm/lead":                  {"context"},
			module + "/scrm/lead/routing":          {"context"},
			module + "/scrm/desk":                  {module + "/storage", module + "/scrm/lead"},
			module + "/scrm/message":               {module + "/errs"},
			module + "/scrm/message/mail":          {"github.com/wneessen/go-mail", module + "/scrm/message"},
			module + "/scrm/message/sms":           {module + "/scrm/message"},
			module + "/scrm/signin":                {module + "/storage", module + "/otp"},
			module + "/scrm/phone":                 {"golang.org/x/text/width"},
			module + "/scrm/notice":                {module + "/storage"},
			module + "/scrm/notifier":              {module + "/scrm/notice", module + "/loyalty"},
			module + "/scrm/session":               {module + "/storage"},
			module + "/scrm/ticket":                {"context"},
			module + "/stamps":                     {"github.com/hashicorp/golang-lru/v2", module + "/internal/combine"},
			module + "/stamps/shop":                {module + "/storage/journal"},
			module + "/internal/tripwire":          {"context"},
			module + "/storage":                    {module + "/errs", module + "/internal/tripwire", module + "/storage/journal"},
			module + "/storage/bunstore":           {module + "/storage", "github.com/uptrace/bun"},
			module + "/storage/bunstore/pgxtx":     {module + "/storage/bunstore", "github.com/jackc/pgx/v5"},
			module + "/storage/relay":              {module + "/storage"},
			module + "/storage/retention":          {module + "/storage", module + "/storage/relay"},
			module + "/stamps/invitation":          {module + "/stamps/shop", module + "/wechat/miniprogram"},
			module + "/stamps/till":                {module + "/storage", module + "/otp"},
			module + "/wechat":                     {module + "/storage"},
			module + "/wechat/callback":            {module + "/storage"},
			module + "/wechat/miniprogram":         {module + "/wechat"},
			module + "/wechat/raw":                 {module + "/wechat", silenceper + "/miniprogram"},
			module + "/wechat/subscription":        {module + "/wechat/miniprogram", module + "/wechat/callback"},
			module + "/examples/server":            {module + "/storage/bunstore", "github.com/jackc/pgx/v5/stdlib"},
			module + "/storage/bunstore/migration": {"github.com/uptrace/bun"},
		}
	}
	for _, tt := range []struct {
		name     string
		from, to string // an import that is added
		without  string // a package that is missing
		want     string // one of what is found; "": nothing is
	}{
		{name: "clean"},
		{name: "context on context", from: "stamps", to: module + "/otp", want: "stamps: depends on otp"},
		{name: "context on a database", from: "otp", to: module + "/storage/bunstore", want: "otp: depends on storage/bunstore"},
		{name: "database on a context", from: "storage/bunstore", to: module + "/otp",
			want: "storage/bunstore: depends on otp, and no database knows a context"},
		{name: "storage on a context", from: "storage", to: module + "/stamps", want: "storage: depends on stamps"},
		{name: "context on a module of another", from: "stamps", to: "golang.org/x/text/width",
			want: "stamps: depends on golang.org/x/text/width, by stamps"},
		{name: "context by an internal package", from: "internal/combine", to: "golang.org/x/text/width",
			want: "stamps: depends on golang.org/x/text/width, by internal/combine"},
		{name: "journal on a module", from: "storage/journal", to: "golang.org/x/text/width", want: "storage/journal: depends on golang.org/x/text/width"},
		{name: "errors on a module", from: "errs", to: "golang.org/x/text/width", want: "errs: depends on golang.org/x/text/width"},
		{name: "errors on a context", from: "errs", to: module + "/scrm/phone", want: "errs: depends on scrm/phone"},
		{name: "points on WeChat", from: "loyalty", to: module + "/wechat", want: "loyalty: depends on wechat"},
		{name: "WeChat on a part of it", from: "wechat", to: module + "/wechat/miniprogram", want: "wechat: depends on wechat/miniprogram"},
		{name: "text messages on a module of mail", from: "scrm/message/sms", to: "github.com/wneessen/go-mail",
			want: "scrm/message/sms: depends on github.com/wneessen/go-mail, by scrm/message/sms"},
		{name: "what sends on a way to send", from: "scrm/lead", to: module + "/scrm/message/sms", want: "scrm/lead: depends on scrm/message/sms"},
		{name: "sign-ins on messages", from: "wechat/miniprogram", to: module + "/wechat/subscription",
			want: "wechat/miniprogram: depends on wechat/subscription"},
		{name: "silenceper elsewhere", from: "stamps/till", to: silenceper + "/miniprogram",
			want: "stamps/till: depends on " + silenceper + "/miniprogram, which is for wechat/raw"},
		{name: "silenceper by what gives it", from: "scrm/desk", to: module + "/wechat/raw",
			want: "scrm/desk: depends on " + silenceper + "/miniprogram, which is for wechat/raw"},
		{name: "the root of silenceper", from: "wechat/raw", to: silenceper,
			want: "wechat/raw: depends on the root of " + silenceper + ", which takes over logging"},
		{name: "ids on a context", from: "ids", to: module + "/loyalty", want: "ids: depends on loyalty"},
		{name: "secret on another leaf", from: "secret", to: module + "/errs", want: "secret: depends on errs"},
		{name: "flow on bun", from: "stamps/till", to: module + "/storage/bunstore",
			want: "stamps/till: depends on github.com/uptrace/bun"},
		{name: "bun elsewhere", from: "storage", to: "github.com/uptrace/bun", want: "storage: imports github.com/uptrace/bun, which is for storage/bunstore"},
		{name: "driver", from: "storage/bunstore", to: "github.com/jackc/pgx/v5/stdlib",
			want: "storage/bunstore: depends on github.com/jackc/pgx/v5/stdlib, a driver, which the caller brings"},
		{name: "any driver", from: "storage/bunstore", to: "example.com/mysql",
			want: "storage/bunstore: depends on example.com/mysql, a driver, which the caller brings"},
		{name: "driver by what joins its transactions", from: "storage/bunstore/pgxtx", to: "github.com/jackc/pgx/v5/stdlib",
			want: "storage/bunstore/pgxtx: depends on github.com/jackc/pgx/v5/stdlib, a driver, which the caller brings"},
		{name: "what joins transactions of a driver", from: "storage/memory", to: module + "/storage/bunstore/pgxtx",
			want: "storage/memory: depends on github.com/jackc/pgx/v5, a driver, which the caller brings"},
		{name: "pgtest", from: "examples/server", to: module + "/internal/pgtest",
			want: "examples/server: imports internal/pgtest, which is for tests alone"},
		{name: "no place", from: "util", to: "context",
			want: "util: is neither a context nor a flow; give it its place in this test"},
		{name: "gone", without: "stamps/till", want: "stamps/till: no such package"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			imports := clean()
			if tt.from != "" {
				imports[module+"/"+tt.from] = append(imports[module+"/"+tt.from], tt.to)
			}
			delete(imports, module+"/"+tt.without)
			got := violations(made(imports))
			if tt.want == "" && len(got) > 0 || tt.want != "" && !slices.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// made builds packages from their imports.
func made(imports map[string][]string) map[string]pkg {
	pkgs := map[string]pkg{}
	for path, to := range imports {
		first, _, _ := strings.Cut(path, "/")
		p := pkg{ImportPath: path, Standard: !strings.Contains(first, "."), Imports: to}
		p.driver = path == "example.com/mysql" || path == "github.com/jackc/pgx/v5/stdlib"
		for deps := slices.Clone(to); len(deps) > 0; deps = deps[1:] {
			if !slices.Contains(p.Deps, deps[0]) {
				p.Deps = append(p.Deps, deps[0])
				deps = append(deps, imports[deps[0]]...)
			}
		}
		pkgs[path] = p
	}
	return pkgs
}
