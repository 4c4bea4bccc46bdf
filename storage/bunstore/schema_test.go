package bunstore_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/scrmkit/scrmkit/internal/schemas"
)

// subjects are the columns that a key has right after the tenant: what one operation is about.
var subjects = map[string]string{
	"journal_entry": "subject", "otp_scope": "scope", "otp_meter": "scope", "otp_code": "scope", "delivery_recipient": "hash", "delivery_message": "ref", "delivery_count": "ends",
	"shop_shop": "shop", "shop_manager": "identity, shop", "shop_stamp": "serial", "shop_invitation": "hash",
	"activation_code": "code", "activation_secret": "code", "activation_port": "code", "activation_claim": "account", "activation_pool": "pool", "activation_free": "pool",
	"activation_device": "device", "activation_invitation": "hash",
	"ticket_templates": "program", "ticket_site": "site", "ticket_ticket": "site", "ticket_body": "site",
	"routing_line": "line", "routing_visitor": "line",
	"lead_job": "code", "lead_owner": "owner", "lead_contact": "id", "lead_lead": "id", "lead_count": "code", "lead_library": "id",
	"loyalty_program": "program", "loyalty_account": "member", "loyalty_booking": "member",
	"reward_catalog": "program", "reward_holder": "member", "reward_voucher": "member, mac", "reward_count": "catalog", "reward_code": "mac",
	"stamps_program": "program", "stamps_card": "member, program", "stamps_record": "member", "stamps_coupon": "member",
	"customer_customer": "member", "customer_identity": "hash", "customer_consent": "member", "customer_fields": "program",
	"wechat_token": "app", "miniprogram_session": "openid", "miniprogram_phone": "hash", "callback_push": "hash",
	"session_subject": "subject", "session_session": "hash", "notice_notice": "member",
	"subscription_consent": "openid", "subscription_message": "openid",
	"authenticator_subject": "subject", "authenticator_secret": "subject",
	"relay_feed": "name", "relay_line": "name", "relay_letter": "name", "retention_floor": "name",
}

// Rule 8: tables are prefixed and in a schema of their own, and the table of migrations has a name
// of ours. Rule 9: each primary and unique key begins with the tenant and the subject; there are no
// sequences, triggers or functions; views are for TestViews. And no other index begins with the
// plain tenant, unless a condition keeps it from the look-up of a key.
func TestSchema(t *testing.T) {
	db := openPostgres(t)
	newStore(t, db, schemas.All...)
	for _, object := range texts(t, db, `select relkind::text || ' ' || relname from pg_class
		where relnamespace = 'scrmkit'::regnamespace and relkind not in ('r', 'i', 'v')
		union all select 'trigger ' || tgname from pg_trigger where not tgisinternal
		union all select 'function ' || proname from pg_proc where pronamespace = 'scrmkit'::regnamespace
		union all select 'elsewhere ' || relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`) {
		t.Errorf("the schema has %s", object)
	}
	tables := texts(t, db, `select relname from pg_class where relnamespace = 'scrmkit'::regnamespace and relkind = 'r'
		and relname not in ('scrmkit_schema', 'journal_epoch')`) // of the database as a whole
	if len(tables) != len(subjects) {
		t.Errorf("tables %v", tables)
	}
	for _, table := range tables {
		if _, ok := subjects[table]; !ok {
			t.Errorf("table %s has no subject here", table)
		}
	}
	columns := regexp.MustCompile(`INDEX \w+ ON scrmkit\.(\w+) USING btree \((.*?)\)(?: WHERE (.*))?$`)
	for _, index := range texts(t, db, `select indexdef from pg_indexes where schemaname = 'scrmkit' and tablename not in ('scrmkit_schema', 'journal_epoch')`) {
		m := columns.FindStringSubmatch(index)
		if m == nil {
			t.Fatalf("index %s", index)
		}
		unique, table, keys, where := strings.Contains(index, "UNIQUE"), m[1], m[2], m[3]
		begins := false
		for _, subject := range strings.Split(subjects[table], ", ") {
			begins = begins || keys == "tenant, "+subject || strings.HasPrefix(keys, "tenant, "+subject+",")
		}
		switch {
		case unique && !begins:
			t.Errorf("the key does not begin with tenant and subject: %s", index)
		case !unique && where == "" && strings.HasPrefix(keys, "tenant"):
			t.Errorf("a plan may find a key through all rows of its tenant: %s", index)
		}
	}
}

// texts returns the one column of a query.
func texts(t testing.TB, db *bun.DB, query string) (found []string) {
	t.Helper()
	rows, err := db.DB.QueryContext(t.Context(), query)
	check(t, err)
	defer rows.Close()
	for rows.Next() {
		var s string
		check(t, rows.Scan(&s))
		found = append(found, s)
	}
	check(t, rows.Err())
	return found
}
