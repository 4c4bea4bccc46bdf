// Package ids holds the types of ids that several packages share: a member who collects points is
// the same one who collects stamps, and an activation code is the same one whose leads are counted.
// An id passes from one package to another without a conversion. An id that a single package uses
// is a type of that package.
//
// Unless its comment says otherwise, an id is chosen by the embedder, is unique within the tenant,
// is never reused for something else, and is compared byte by byte. Commands accept 1 to 128 bytes
// of printable UTF-8 without spaces, and report any other id as an errs.InputError. Ids are in the
// journal, and may be in logs: where those must not hold telephone numbers, ids must not either.
package ids

type (
	// Member identifies a customer (会员) in the programs of points and of stamps and in the
	// catalogs of rewards: by the number that the embedder's own service has for the customer, or a
	// WeChat openid or unionid.
	Member string

	// Shop identifies a shop (门店).
	Shop string
)

type (
	// Program identifies a points program (积分计划) of package loyalty, in all versions of its
	// definition. Programs of stamps are stamps.ProgramID.
	Program string

	// Currency identifies a kind of points within its program. It is no ISO 4217 code: amounts of
	// money have that, as a plain string. Where a command takes one, "" is the program's first.
	Currency string

	// Level identifies a level of a program's tiers (会员等级) within its program.
	Level string
)

type (
	// Code identifies an activation code (激活码), with which agents sign in and for which leads are
	// counted and tickets handled. It is the label of the code, not the secret that is typed:
	// package scrm/activation makes it, eight letters and digits. A service without that package
	// chooses its own.
	Code string

	// Platform identifies a messaging platform: "whatsapp", "line", "wecom", or any name that the
	// embedder gives one. What package scrm/lead knows about "whatsapp" it knows by that name.
	Platform string

	// Account identifies an account of the operator's on a platform (主号), within the platform.
	Account string

	// Line identifies a line of distribution (分流线路) of package scrm/lead/routing: the accounts
	// that share visitors, and the pool that a ticket is routed from.
	Line string
)
