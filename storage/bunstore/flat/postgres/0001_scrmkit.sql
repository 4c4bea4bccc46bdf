create schema if not exists scrmkit;

create table if not exists scrmkit.scrmkit_migration (
	version bigint      not null primary key,
	name    text        not null,
	applied timestamptz not null
);

create table scrmkit.journal_entry (
	tenant  text collate "C" not null,
	subject text collate "C" not null,
	key     text collate "C" not null,
	seq     bigint           not null,
	kind    text             not null,
	at      timestamptz,
	actor   text             not null,
	input   bytea            not null,
	before  text             not null,
	result  text             not null,
	pos     bigint           not null default pg_current_xact_id()::text::bigint
);
create unique index journal_entry_key on scrmkit.journal_entry (tenant, subject, key) where key <> '';
-- Expressions, and no columns: a plan that finds a key through all entries of its tenant or subject must not exist. To a
-- planner that has no statistics of a tenant yet, such a plan looks as good as the unique one.
create index journal_entry_seq on scrmkit.journal_entry ((tenant || ''), (subject || ''), seq);
create index journal_entry_pos on scrmkit.journal_entry ((tenant || ''), pos);

create table scrmkit.otp_scope (
	tenant  text collate "C" not null,
	scope   text collate "C" not null,
	version bigint           not null,
	issued  bigint           not null,
	debt    timestamptz,
	primary key (tenant, scope)
) with (fillfactor = 50);

create table scrmkit.otp_typist (
	tenant text collate "C" not null,
	scope  text collate "C" not null,
	typist text collate "C" not null,
	debt   timestamptz,
	primary key (tenant, scope, typist)
) with (fillfactor = 80);

create table scrmkit.otp_code (
	tenant   text collate "C" not null,
	scope    text collate "C" not null,
	mac      bytea            not null,
	version  bigint           not null,
	number   bigint           not null,
	key_id   text             not null,
	digits   bigint           not null,
	sealed   bytea            not null,
	holder   text collate "C" not null,
	purpose  text collate "C" not null,
	payload  bytea            not null,
	issued   timestamptz,
	expires  timestamptz,
	reusable timestamptz,
	ended    text collate "C" not null,
	ended_at timestamptz,
	ended_by text             not null,
	primary key (tenant, scope, mac)
);
create index otp_code_holder on scrmkit.otp_code (tenant, scope, holder, purpose) where ended = '';
create index otp_code_live on scrmkit.otp_code (tenant, scope, expires, digits) where ended = '' and digits >= 0;
create index otp_code_reusable on scrmkit.otp_code ((tenant || ''), reusable);

create table scrmkit.shop_shop (
	tenant  text collate "C" not null,
	shop    text collate "C" not null,
	version bigint           not null,
	name    text             not null,
	address text             not null,
	zone    text             not null,
	begins  timestamptz,
	ends    timestamptz,
	slots   bigint           not null,
	primary key (tenant, shop)
);

create table scrmkit.shop_manager (
	tenant   text collate "C" not null,
	identity text collate "C" not null,
	version  bigint           not null,
	shop     text collate "C" not null,
	slot     bigint           not null,
	name     text             not null,
	bound    timestamptz,
	primary key (tenant, identity)
);
create unique index shop_manager_slot on scrmkit.shop_manager (tenant, shop, slot) where shop <> '';

create table scrmkit.shop_stamp (
	tenant  text collate "C" not null,
	serial  text collate "C" not null,
	version bigint           not null,
	shop    text collate "C" not null,
	bound   timestamptz,
	primary key (tenant, serial)
);
create index shop_stamp_shop on scrmkit.shop_stamp (tenant, shop) where shop <> '';

create table scrmkit.shop_invitation (
	tenant  text collate "C" not null,
	hash    bytea            not null,
	version bigint           not null,
	shop    text collate "C" not null,
	actor   text             not null,
	expires timestamptz,
	ended   timestamptz,
	used_by text             not null,
	primary key (tenant, hash)
);

create table scrmkit.activation_code (
	tenant     text collate "C" not null,
	code       text collate "C" not null,
	version    bigint           not null,
	off        text collate "C" not null,
	created    timestamptz      not null,
	expires    timestamptz,
	due        timestamptz,
	pool       text collate "C" not null,
	department text collate "C" not null,
	secret     text             not null,
	state      text             not null,
	primary key (tenant, code)
) with (fillfactor = 70);
create index activation_code_created on scrmkit.activation_code ((tenant || ''), created, code);
create index activation_code_due on scrmkit.activation_code ((tenant || ''), due, code) where due is not null;
create index activation_code_pool on scrmkit.activation_code ((tenant || ''), pool, due, code) where pool <> '' and due is not null;

create table scrmkit.activation_port (
	tenant   text collate "C" not null,
	code     text collate "C" not null,
	n        bigint           not null,
	platform text collate "C" not null,
	account  text collate "C" not null,
	session  bigint           not null,
	at       text collate "C" not null,
	state    text             not null,
	primary key (tenant, code, n)
);
create index activation_port_listed on scrmkit.activation_port ((tenant || ''), code, n) where at <> 'closed';
create index activation_port_account on scrmkit.activation_port ((tenant || ''), account) where at <> 'closed';
create index activation_port_session on scrmkit.activation_port (tenant, code, session) where account = '' and at in ('unlinked', 'pending');

create table scrmkit.activation_claim (
	tenant   text collate "C" not null,
	account  text collate "C" not null,
	platform text collate "C" not null,
	version  bigint           not null,
	code     text collate "C" not null,
	n        bigint           not null,
	primary key (tenant, account, platform)
);

create table scrmkit.activation_pool (
	tenant  text collate "C" not null,
	pool    text collate "C" not null,
	version bigint           not null,
	state   text             not null,
	primary key (tenant, pool)
);

create table scrmkit.activation_free (
	tenant text collate "C" not null,
	pool   text collate "C" not null,
	n      bigint           not null,
	primary key (tenant, pool)
) with (fillfactor = 50);

create table scrmkit.activation_device (
	tenant  text collate "C" not null,
	device  text collate "C" not null,
	version bigint           not null,
	removed timestamptz,
	state   text             not null,
	primary key (tenant, device)
);

create table scrmkit.activation_invitation (
	tenant  text collate "C" not null,
	hash    bytea            not null,
	version bigint           not null,
	state   text             not null,
	primary key (tenant, hash)
);

create table scrmkit.dispatch_line (
	tenant  text collate "C" not null,
	line    text collate "C" not null,
	version bigint           not null,
	state   text             not null,
	primary key (tenant, line)
) with (fillfactor = 50);

create table scrmkit.dispatch_visitor (
	tenant  text collate "C" not null,
	line    text collate "C" not null,
	visitor text collate "C" not null,
	place   bigint           not null,
	state   text             not null,
	primary key (tenant, line, visitor)
);
create index dispatch_visitor_place on scrmkit.dispatch_visitor (tenant, line, place) where place > 0;

create table scrmkit.lead_job (
	tenant   text collate "C" not null,
	code     text collate "C" not null,
	platform text collate "C" not null,
	version  bigint           not null,
	state    text             not null,
	primary key (tenant, code, platform)
);

create table scrmkit.lead_owner (
	tenant  text collate "C" not null,
	owner   text collate "C" not null,
	version bigint           not null,
	state   text             not null,
	primary key (tenant, owner)
);

create table scrmkit.lead_contact (
	tenant    text collate "C" not null,
	platform  text collate "C" not null,
	namespace text collate "C" not null,
	id        text collate "C" not null,
	version   bigint           not null,
	name      text             not null,
	seq       bigint           not null,
	merged    text             not null,
	names     text             not null,
	library   timestamptz,
	primary key (tenant, id, platform, namespace)
) with (fillfactor = 90);

create table scrmkit.lead_lead (
	tenant    text collate "C" not null,
	platform  text collate "C" not null,
	namespace text collate "C" not null,
	id        text collate "C" not null,
	n         bigint           not null,
	code      text collate "C" not null,
	at        timestamptz      not null,
	verdict   text             not null,
	state     text             not null,
	primary key (tenant, id, platform, namespace, n)
) with (fillfactor = 90);
create index lead_lead_at on scrmkit.lead_lead ((tenant || ''), code, platform, at);

create table scrmkit.lead_count (
	tenant    text collate "C" not null,
	code      text collate "C" not null,
	platform  text collate "C" not null,
	account   text collate "C" not null,
	day       bigint           not null,
	new       bigint           not null,
	duplicate bigint           not null,
	uncertain bigint           not null,
	excluded  bigint           not null,
	contacts  bigint           not null,
	pairs     bigint           not null,
	primary key (tenant, code, platform, day, account)
) with (fillfactor = 50);

create table scrmkit.lead_library (
	tenant    text collate "C" not null,
	platform  text collate "C" not null,
	namespace text collate "C" not null,
	id        text collate "C" not null,
	since     timestamptz      not null,
	source    text             not null,
	row       bigint           not null,
	met       bigint           not null,
	primary key (tenant, id, platform, namespace)
);

create table scrmkit.loyalty_program (
	tenant     text collate "C" not null,
	program    text collate "C" not null,
	version    bigint           not null,
	definition text             not null,
	primary key (tenant, program, version)
);

create table scrmkit.loyalty_account (
	tenant  text collate "C" not null,
	member  text collate "C" not null,
	program text collate "C" not null,
	version bigint           not null,
	seq     bigint           not null,
	hash    bytea            not null,
	due     timestamptz,
	state   text             not null,
	primary key (tenant, member, program)
) with (fillfactor = 70);
create index loyalty_account_program on scrmkit.loyalty_account ((tenant || ''), program, member);
create index loyalty_account_due on scrmkit.loyalty_account (tenant, due) where due is not null;

create table scrmkit.loyalty_booking (
	tenant  text collate "C" not null,
	member  text collate "C" not null,
	program text collate "C" not null,
	key     text collate "C" not null,
	changes bigint           not null,
	state   text             not null,
	primary key (tenant, member, program, key)
);

create table scrmkit.reward_catalog (
	tenant     text collate "C" not null,
	program    text collate "C" not null,
	version    bigint           not null,
	definition text             not null,
	primary key (tenant, program, version)
);

create table scrmkit.reward_holder (
	tenant  text collate "C" not null,
	member  text collate "C" not null,
	catalog text collate "C" not null,
	version bigint           not null,
	seq     bigint           not null,
	last    bigint           not null,
	state   text             not null,
	primary key (tenant, member, catalog)
) with (fillfactor = 80);

create table scrmkit.reward_voucher (
	tenant  text collate "C" not null,
	member  text collate "C" not null,
	catalog text collate "C" not null,
	n       bigint           not null,
	reward  text collate "C" not null,
	status  text collate "C" not null,
	ends    timestamptz,
	mac     bytea            not null,
	state   text             not null,
	primary key (tenant, member, catalog, n)
);
create index reward_voucher_mac on scrmkit.reward_voucher (tenant, mac) where length(mac) > 0;
create index reward_voucher_reserved on scrmkit.reward_voucher (tenant, member, catalog) where status = 'reserved';
create index reward_voucher_ends on scrmkit.reward_voucher (tenant, ends) where status in ('reserved', 'issued') and ends is not null;
create index reward_voucher_catalog on scrmkit.reward_voucher ((tenant || ''), catalog, member, n);

create table scrmkit.reward_count (
	tenant  text collate "C" not null,
	catalog text collate "C" not null,
	reward  text collate "C" not null,
	period  text collate "C" not null,
	n       bigint           not null,
	primary key (tenant, catalog, reward, period)
) with (fillfactor = 50);

create table scrmkit.stamps_program (
	tenant     text collate "C" not null,
	program    text collate "C" not null,
	version    bigint           not null,
	definition text             not null,
	primary key (tenant, program, version)
);

create table scrmkit.stamps_card (
	tenant   text collate "C" not null,
	member   text collate "C" not null,
	program  text collate "C" not null,
	claim    bigint           not null,
	version  bigint           not null,
	nickname text             not null,
	began    bigint           not null,
	round    bigint           not null,
	count    bigint           not null,
	total    bigint           not null,
	opened   timestamptz,
	expires  timestamptz,
	number   bigint           not null,
	state    text             not null,
	primary key (tenant, member, program, claim)
) with (fillfactor = 80);
create unique index stamps_card_number on scrmkit.stamps_card (tenant, program, number) where number > 0;
create index stamps_card_expires on scrmkit.stamps_card (tenant, expires) where expires is not null;

create table scrmkit.stamps_record (
	tenant    text collate "C" not null,
	member    text collate "C" not null,
	program   text collate "C" not null,
	claim     bigint           not null,
	seq       bigint           not null,
	purpose   text collate "C" not null,
	n         bigint           not null,
	cancelled bigint           not null,
	cancels   bigint           not null,
	coupon    bigint           not null,
	peer      text             not null,
	at        timestamptz,
	shop      text collate "C" not null,
	actor     text             not null,
	via       text             not null,
	nickname  text             not null,
	nick_key  text collate "C" not null,
	purchase  text             not null,
	reason    text             not null,
	primary key (tenant, member, program, claim, seq)
);
create index stamps_record_shop on scrmkit.stamps_record (tenant, shop, at) where shop <> '';

create table scrmkit.stamps_coupon (
	tenant   text collate "C" not null,
	member   text collate "C" not null,
	program  text collate "C" not null,
	claim    bigint           not null,
	n        bigint           not null,
	reward   text             not null,
	name     text             not null,
	began    bigint           not null,
	pos      bigint           not null,
	state    text collate "C" not null,
	issued   timestamptz,
	expires  timestamptz,
	ended    timestamptz,
	shop     text collate "C" not null,
	actor    text             not null,
	nickname text             not null,
	primary key (tenant, member, program, claim, n)
);
create index stamps_coupon_expires on scrmkit.stamps_coupon (tenant, expires) where state = 'issued' and expires is not null;

create table scrmkit.ticket_templates (
	tenant     text collate "C" not null,
	program    text collate "C" not null,
	version    bigint           not null,
	definition text             not null,
	primary key (tenant, program, version)
);

create table scrmkit.ticket_site (
	tenant  text collate "C" not null,
	site    text collate "C" not null,
	version bigint           not null,
	state   text             not null,
	primary key (tenant, site)
);

create table scrmkit.ticket_ticket (
	tenant   text collate "C" not null,
	site     text collate "C" not null,
	event    text collate "C" not null,
	version  bigint           not null,
	received timestamptz      not null,
	status   text collate "C" not null,
	platform text             not null,
	country  text             not null,
	state    text             not null,
	primary key (tenant, site, event)
) with (fillfactor = 80);
create index ticket_ticket_received on scrmkit.ticket_ticket ((tenant || ''), received, site, event);
create index ticket_ticket_status on scrmkit.ticket_ticket ((tenant || ''), status, received, site, event);

create table scrmkit.ticket_body (
	tenant text collate "C" not null,
	site   text collate "C" not null,
	event  text collate "C" not null,
	body   bytea            not null,
	primary key (tenant, site, event)
);

insert into scrmkit.scrmkit_migration (version, name, applied) values (1, '0001_scrmkit', now());
