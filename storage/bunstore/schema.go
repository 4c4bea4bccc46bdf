package bunstore

import "slices"

// A kind is the type of a column.
type kind uint8

const (
	text    kind = iota
	integer      // 64 bits
	instant      // timestamptz on Postgres, microseconds since 1970 on SQLite; the zero time is NULL
	binary
)

type column struct {
	name string
	kind kind
}

// A table as the writers see it. Its columns are tenant, those of the key, version where it has
// one, and the rest; a row has their values in this order, without the tenant.
type table struct {
	name      string
	key       []column
	versioned bool
	rest      []column
	unique    *unique
	existing  bool     // a row is never inserted by a compare-and-swap
	fresh     bool     // a row is never there yet
	absent    *absent  // what must not be there where a row is inserted by a compare-and-swap; nil: nothing
	children  []*table // whose keys begin with this one's
	sums      *table   // numbers that changes of it add to

	columns []column // those of a row
}

// A unique is a unique index besides the key. A row is in it where the place column has a number
// above 0, or a text.
type unique struct {
	columns []string
	place   column
}

// An absent is a row of another table with the same key. It may be there where the column of the
// row that is inserted has a value; the column is for that alone, and is not read.
type absent struct {
	table, unless string
}

// newTable returns the table with its columns.
func newTable(t table) *table {
	t.columns = append(t.columns, t.key...)
	if t.versioned {
		t.columns = append(t.columns, column{"version", integer})
	}
	t.columns = append(t.columns, t.rest...)
	return &t
}

// ofNew returns the table for rows that are never there yet.
func (t *table) ofNew() *table {
	n := *t
	n.fresh = true
	return &n
}

// holds is the condition that the row of the alias has a place.
func (u *unique) holds(alias string) string {
	if u.place.kind == integer {
		return alias + "." + u.place.name + " > 0"
	}
	return alias + "." + u.place.name + " <> ''"
}

// none is the SQL of the value that takes no place.
func (u *unique) none() string {
	if u.place.kind == integer {
		return "0"
	}
	return "''"
}

// takes reports whether the row is to have a place in a unique index besides the key.
func (t *table) takes(r row) bool {
	if t.unique == nil {
		return false
	}
	switch v := r.values[slices.Index(t.columns, t.unique.place)].(type) {
	case int64:
		return v > 0
	case string:
		return v != ""
	}
	return false
}

var (
	entryTable = newTable(table{
		name: "journal_entry",
		key:  []column{{"subject", text}, {"key", text}},
		rest: []column{
			{"seq", integer}, {"kind", text}, {"at", instant}, {"actor", text},
			{"input", binary}, {"before", text}, {"result", text},
		},
	})

	scopeTable = newTable(table{
		name:      "otp_scope",
		key:       []column{{"scope", text}},
		versioned: true,
		rest:      []column{{"issued", integer}, {"debt", instant}, {"seq", integer}},
		children:  []*table{meterTable, codeTable},
	})
	meterTable = newTable(table{
		name: "otp_meter",
		key:  []column{{"scope", text}, {"kind", text}, {"party", text}},
		rest: []column{{"debt", instant}, {"misses", integer}},
	})
	codeTable = newTable(table{
		name:      "otp_code",
		key:       []column{{"scope", text}, {"mac", binary}},
		versioned: true,
		existing:  true,
		rest: []column{
			{"number", integer}, {"key_id", text}, {"digits", integer}, {"sealed", binary},
			{"holder", text}, {"purpose", text}, {"payload", binary},
			{"issued", instant}, {"expires", instant}, {"reusable", instant},
			{"ended", text}, {"ended_at", instant}, {"ended_by", text}, {"id", binary},
		},
	})
	spentTable = newTable(table{ // a code, which must have that id
		name:      "otp_code",
		key:       []column{{"scope", text}, {"mac", binary}, {"id", binary}},
		versioned: true,
		existing:  true,
		rest:      codeTable.rest[:len(codeTable.rest)-1],
	})

	accountTable = newTable(table{
		name:      "loyalty_account",
		key:       []column{{"member", text}, {"program", text}},
		versioned: true,
		rest:      []column{{"seq", integer}, {"hash", binary}, {"due", instant}, {"state", text}},
		children:  []*table{newBookingTable, bookingTable},
	})
	bookingTable = newTable(table{
		name: "loyalty_booking",
		key:  []column{{"member", text}, {"program", text}, {"key", text}},
		rest: []column{{"changes", integer}, {"state", text}},
	})
	newBookingTable = bookingTable.ofNew()

	holderTable = newTable(table{
		name:      "reward_holder",
		key:       []column{{"member", text}, {"catalog", text}},
		versioned: true,
		rest:      []column{{"seq", integer}, {"last", integer}, {"state", text}},
		children:  []*table{voucherTable},
	})
	voucherTable = newTable(table{
		name: "reward_voucher",
		key:  []column{{"member", text}, {"catalog", text}, {"n", integer}},
		rest: []column{{"reward", text}, {"status", text}, {"ends", instant}, {"mac", binary}, {"state", text}},
	})
	countTable = newTable(table{
		name: "reward_count",
		key:  []column{{"catalog", text}, {"reward", text}, {"period", text}},
		rest: []column{{"n", integer}, {"most", integer}},
	})

	jobTable = newTable(table{
		name:      "lead_job",
		key:       []column{{"code", text}, {"platform", text}},
		versioned: true,
		rest:      []column{{"state", text}},
	})
	ownerTable = newTable(table{
		name:      "lead_owner",
		key:       []column{{"owner", text}},
		versioned: true,
		rest:      []column{{"state", text}},
	})
	contactTable = newTable(table{
		name:      "lead_contact",
		key:       []column{{"id", text}, {"platform", text}, {"namespace", text}},
		versioned: true,
		rest:      []column{{"name", text}, {"seq", integer}, {"merged", text}, {"names", text}, {"library", instant}},
		absent:    &absent{"lead_library", "library"},
		children:  []*table{leadTable, newLeadTable},
		sums:      leadCountTable,
	})
	leadTable = newTable(table{
		name: "lead_lead",
		key:  []column{{"id", text}, {"platform", text}, {"namespace", text}, {"n", integer}},
		rest: []column{{"code", text}, {"at", instant}, {"verdict", text}, {"state", text}},
	})
	newLeadTable = leadTable.ofNew()
	libraryTable = newTable(table{
		name: "lead_library",
		key:  []column{{"id", text}, {"platform", text}, {"namespace", text}},
		rest: []column{{"since", instant}, {"source", text}, {"row", integer}},
	})
	leadCountTable = newTable(table{
		name: "lead_count",
		key:  []column{{"code", text}, {"platform", text}, {"day", integer}, {"account", text}},
		rest: []column{
			{"new", integer}, {"duplicate", integer}, {"uncertain", integer}, {"excluded", integer},
			{"contacts", integer}, {"pairs", integer},
		},
	})

	codeStateTable = newTable(table{
		name:      "activation_code",
		key:       []column{{"code", text}},
		versioned: true,
		rest: []column{
			{"off", text}, {"created", instant}, {"expires", instant}, {"due", instant}, {"pool", text}, {"department", text},
			{"secret", text}, {"state", text},
		},
		children: []*table{portTable},
	})
	portTable = newTable(table{
		name: "activation_port",
		key:  []column{{"code", text}, {"n", integer}},
		rest: []column{{"platform", text}, {"account", text}, {"session", integer}, {"at", text}, {"state", text}},
	})
	claimTable = newTable(table{
		name:      "activation_claim",
		key:       []column{{"account", text}, {"platform", text}},
		versioned: true,
		rest:      []column{{"code", text}, {"n", integer}, {"periods", text}},
	})
	endedTable = newTable(table{ // the ports of a session
		name: "activation_port",
		key:  []column{{"code", text}, {"session", integer}},
	})
	poolTable = newTable(table{
		name:      "activation_pool",
		key:       []column{{"pool", text}},
		versioned: true,
		rest:      []column{{"state", text}},
	})
	freeTable = newTable(table{
		name: "activation_free",
		key:  []column{{"pool", text}},
		rest: []column{{"n", integer}, {"most", integer}},
	})
	deviceTable = newTable(table{
		name:      "activation_device",
		key:       []column{{"device", text}},
		versioned: true,
		rest:      []column{{"removed", instant}, {"state", text}},
	})
	deviceInvitationTable = newTable(table{
		name:      "activation_invitation",
		key:       []column{{"hash", binary}},
		versioned: true,
		rest:      []column{{"state", text}},
	})

	cardTable = newTable(table{
		name:      "stamps_card",
		key:       []column{{"member", text}, {"program", text}, {"claim", integer}},
		versioned: true,
		rest: []column{
			{"nickname", text}, {"began", integer}, {"round", integer}, {"count", integer}, {"total", integer},
			{"opened", instant}, {"expires", instant}, {"number", integer}, {"state", text},
		},
		unique:   &unique{[]string{"program", "number"}, column{"number", integer}},
		children: []*table{newRecordTable, recordTable, couponTable},
	})
	recordTable = newTable(table{
		name: "stamps_record",
		key:  []column{{"member", text}, {"program", text}, {"claim", integer}, {"seq", integer}},
		rest: []column{
			{"purpose", text}, {"n", integer}, {"cancelled", integer}, {"cancels", integer}, {"coupon", integer},
			{"peer", text}, {"at", instant}, {"shop", text}, {"actor", text}, {"via", text},
			{"nickname", text}, {"nick_key", text}, {"purchase", text}, {"reason", text}, {"began", integer},
		},
	})
	newRecordTable = recordTable.ofNew()
	couponTable    = newTable(table{
		name: "stamps_coupon",
		key:  []column{{"member", text}, {"program", text}, {"claim", integer}, {"n", integer}},
		rest: []column{
			{"reward", text}, {"name", text}, {"began", integer}, {"pos", integer}, {"state", text},
			{"issued", instant}, {"expires", instant}, {"ended", instant},
			{"shop", text}, {"actor", text}, {"nickname", text}, {"issuer", text},
		},
	})
)
