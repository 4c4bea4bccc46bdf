create table if not exists scrmkit_migration (
	version integer not null primary key,
	name    text    not null,
	applied integer not null
);

create table journal_entry (
	tenant  text    not null,
	subject text    not null,
	key     text    not null,
	seq     integer not null,
	kind    text    not null,
	at      integer,
	actor   text    not null,
	input   blob    not null,
	before  text    not null,
	result  text    not null,
	pos     integer not null
);
create unique index journal_entry_key on journal_entry (tenant, subject, key) where key <> '';
-- Expressions, and no columns: a plan that finds a key through all entries of its tenant or subject must not exist. To a
-- planner that has no statistics of a tenant yet, such a plan looks as good as the unique one.
create index journal_entry_seq on journal_entry ((tenant || ''), (subject || ''), seq);
create index journal_entry_pos on journal_entry ((tenant || ''), pos);

create table otp_scope (
	tenant  text    not null,
	scope   text    not null,
	version integer not null,
	issued  integer not null,
	debt    integer,
	primary key (tenant, scope)
);

create table otp_typist (
	tenant text    not null,
	scope  text    not null,
	typist text    not null,
	debt   integer,
	primary key (tenant, scope, typist)
);

create table otp_code (
	tenant   text    not null,
	scope    text    not null,
	mac      blob    not null,
	version  integer not null,
	number   integer not null,
	key_id   text    not null,
	digits   integer not null,
	sealed   blob    not null,
	holder   text    not null,
	purpose  text    not null,
	payload  blob    not null,
	issued   integer,
	expires  integer,
	reusable integer,
	ended    text    not null,
	ended_at integer,
	ended_by text    not null,
	primary key (tenant, scope, mac)
);
create index otp_code_holder on otp_code (tenant, scope, holder, purpose) where ended = '';
create index otp_code_live on otp_code (tenant, scope, expires, digits) where ended = '' and digits >= 0;
create index otp_code_reusable on otp_code ((tenant || ''), reusable);

create table shop_shop (
	tenant  text    not null,
	shop    text    not null,
	version integer not null,
	name    text    not null,
	address text    not null,
	zone    text    not null,
	begins  integer,
	ends    integer,
	slots   integer not null,
	primary key (tenant, shop)
);

create table shop_manager (
	tenant   text    not null,
	identity text    not null,
	version  integer not null,
	shop     text    not null,
	slot     integer not null,
	name     text    not null,
	bound    integer,
	primary key (tenant, identity)
);
create unique index shop_manager_slot on shop_manager (tenant, shop, slot) where shop <> '';

create table shop_stamp (
	tenant  text    not null,
	serial  text    not null,
	version integer not null,
	shop    text    not null,
	bound   integer,
	primary key (tenant, serial)
);
create index shop_stamp_shop on shop_stamp (tenant, shop) where shop <> '';

create table shop_invitation (
	tenant  text    not null,
	hash    blob    not null,
	version integer not null,
	shop    text    not null,
	actor   text    not null,
	expires integer,
	ended   integer,
	used_by text    not null,
	primary key (tenant, hash)
);

create table activation_code (
	tenant     text    not null,
	code       text    not null,
	version    integer not null,
	off        text    not null,
	created    integer not null,
	expires    integer,
	due        integer,
	pool       text    not null,
	department text    not null,
	secret     text    not null,
	state      text    not null,
	primary key (tenant, code)
);
create index activation_code_created on activation_code ((tenant || ''), created, code);
create index activation_code_due on activation_code ((tenant || ''), due, code) where due is not null;
create index activation_code_pool on activation_code ((tenant || ''), pool, due, code) where pool <> '' and due is not null;

create table activation_port (
	tenant   text    not null,
	code     text    not null,
	n        integer not null,
	platform text    not null,
	account  text    not null,
	session  integer not null,
	at       text    not null,
	state    text    not null,
	primary key (tenant, code, n)
);
create index activation_port_listed on activation_port ((tenant || ''), code, n) where at <> 'closed';
create index activation_port_account on activation_port ((tenant || ''), account) where at <> 'closed';
create index activation_port_session on activation_port (tenant, code, session) where account = '' and at in ('unlinked', 'pending');

create table activation_claim (
	tenant   text    not null,
	account  text    not null,
	platform text    not null,
	version  integer not null,
	code     text    not null,
	n        integer not null,
	primary key (tenant, account, platform)
);

create table activation_pool (
	tenant  text    not null,
	pool    text    not null,
	version integer not null,
	state   text    not null,
	primary key (tenant, pool)
);

create table activation_free (
	tenant text    not null,
	pool   text    not null,
	n      integer not null,
	primary key (tenant, pool)
);

create table activation_device (
	tenant  text    not null,
	device  text    not null,
	version integer not null,
	removed integer,
	state   text    not null,
	primary key (tenant, device)
);

create table activation_invitation (
	tenant  text    not null,
	hash    blob    not null,
	version integer not null,
	state   text    not null,
	primary key (tenant, hash)
);

create table dispatch_line (
	tenant  text    not null,
	line    text    not null,
	version integer not null,
	state   text    not null,
	primary key (tenant, line)
);

create table dispatch_visitor (
	tenant  text    not null,
	line    text    not null,
	visitor text    not null,
	place   integer not null,
	state   text    not null,
	primary key (tenant, line, visitor)
);
create index dispatch_visitor_place on dispatch_visitor (tenant, line, place) where place > 0;

create table lead_job (
	tenant   text    not null,
	code     text    not null,
	platform text    not null,
	version  integer not null,
	state    text    not null,
	primary key (tenant, code, platform)
);

create table lead_owner (
	tenant  text    not null,
	owner   text    not null,
	version integer not null,
	state   text    not null,
	primary key (tenant, owner)
);

create table lead_contact (
	tenant    text    not null,
	platform  text    not null,
	namespace text    not null,
	id        text    not null,
	version   integer not null,
	name      text    not null,
	seq       integer not null,
	merged    text    not null,
	names     text    not null,
	library   integer,
	primary key (tenant, id, platform, namespace)
);

create table lead_lead (
	tenant    text    not null,
	platform  text    not null,
	namespace text    not null,
	id        text    not null,
	n         integer not null,
	code      text    not null,
	at        integer not null,
	verdict   text    not null,
	state     text    not null,
	primary key (tenant, id, platform, namespace, n)
);
create index lead_lead_at on lead_lead ((tenant || ''), code, platform, at);

create table lead_count (
	tenant    text    not null,
	code      text    not null,
	platform  text    not null,
	account   text    not null,
	day       integer not null,
	new       integer not null,
	duplicate integer not null,
	uncertain integer not null,
	excluded  integer not null,
	contacts  integer not null,
	pairs     integer not null,
	primary key (tenant, code, platform, day, account)
);

create table lead_library (
	tenant    text    not null,
	platform  text    not null,
	namespace text    not null,
	id        text    not null,
	since     integer not null,
	source    text    not null,
	row       integer not null,
	met       integer not null,
	primary key (tenant, id, platform, namespace)
);

create table loyalty_program (
	tenant     text    not null,
	program    text    not null,
	version    integer not null,
	definition text    not null,
	primary key (tenant, program, version)
);

create table loyalty_account (
	tenant  text    not null,
	member  text    not null,
	program text    not null,
	version integer not null,
	seq     integer not null,
	hash    blob    not null,
	due     integer,
	state   text    not null,
	primary key (tenant, member, program)
);
create index loyalty_account_program on loyalty_account ((tenant || ''), program, member);
create index loyalty_account_due on loyalty_account (tenant, due) where due is not null;

create table loyalty_booking (
	tenant  text    not null,
	member  text    not null,
	program text    not null,
	key     text    not null,
	changes integer not null,
	state   text    not null,
	primary key (tenant, member, program, key)
);

create table reward_catalog (
	tenant     text    not null,
	program    text    not null,
	version    integer not null,
	definition text    not null,
	primary key (tenant, program, version)
);

create table reward_holder (
	tenant  text    not null,
	member  text    not null,
	catalog text    not null,
	version integer not null,
	seq     integer not null,
	last    integer not null,
	state   text    not null,
	primary key (tenant, member, catalog)
);

create table reward_voucher (
	tenant  text    not null,
	member  text    not null,
	catalog text    not null,
	n       integer not null,
	reward  text    not null,
	status  text    not null,
	ends    integer,
	mac     blob    not null,
	state   text    not null,
	primary key (tenant, member, catalog, n)
);
create index reward_voucher_mac on reward_voucher (tenant, mac) where length(mac) > 0;
create index reward_voucher_reserved on reward_voucher (tenant, member, catalog) where status = 'reserved';
create index reward_voucher_ends on reward_voucher (tenant, ends) where status in ('reserved', 'issued') and ends is not null;
create index reward_voucher_catalog on reward_voucher ((tenant || ''), catalog, member, n);

create table reward_count (
	tenant  text    not null,
	catalog text    not null,
	reward  text    not null,
	period  text    not null,
	n       integer not null,
	primary key (tenant, catalog, reward, period)
);

create table stamps_program (
	tenant     text    not null,
	program    text    not null,
	version    integer not null,
	definition text    not null,
	primary key (tenant, program, version)
);

create table stamps_card (
	tenant   text    not null,
	member   text    not null,
	program  text    not null,
	claim    integer not null,
	version  integer not null,
	nickname text    not null,
	began    integer not null,
	round    integer not null,
	count    integer not null,
	total    integer not null,
	opened   integer,
	expires  integer,
	number   integer not null,
	state    text    not null,
	primary key (tenant, member, program, claim)
);
create unique index stamps_card_number on stamps_card (tenant, program, number) where number > 0;
create index stamps_card_expires on stamps_card (tenant, expires) where expires is not null;

create table stamps_record (
	tenant    text    not null,
	member    text    not null,
	program   text    not null,
	claim     integer not null,
	seq       integer not null,
	purpose   text    not null,
	n         integer not null,
	cancelled integer not null,
	cancels   integer not null,
	coupon    integer not null,
	peer      text    not null,
	at        integer,
	shop      text    not null,
	actor     text    not null,
	via       text    not null,
	nickname  text    not null,
	nick_key  text    not null,
	purchase  text    not null,
	reason    text    not null,
	primary key (tenant, member, program, claim, seq)
);
create index stamps_record_shop on stamps_record (tenant, shop, at) where shop <> '';

create table stamps_coupon (
	tenant   text    not null,
	member   text    not null,
	program  text    not null,
	claim    integer not null,
	n        integer not null,
	reward   text    not null,
	name     text    not null,
	began    integer not null,
	pos      integer not null,
	state    text    not null,
	issued   integer,
	expires  integer,
	ended    integer,
	shop     text    not null,
	actor    text    not null,
	nickname text    not null,
	primary key (tenant, member, program, claim, n)
);
create index stamps_coupon_expires on stamps_coupon (tenant, expires) where state = 'issued' and expires is not null;

create table ticket_templates (
	tenant     text    not null,
	program    text    not null,
	version    integer not null,
	definition text    not null,
	primary key (tenant, program, version)
);

create table ticket_site (
	tenant  text    not null,
	site    text    not null,
	version integer not null,
	state   text    not null,
	primary key (tenant, site)
);

create table ticket_ticket (
	tenant   text    not null,
	site     text    not null,
	event    text    not null,
	version  integer not null,
	received integer not null,
	status   text    not null,
	platform text    not null,
	country  text    not null,
	state    text    not null,
	primary key (tenant, site, event)
);
create index ticket_ticket_received on ticket_ticket ((tenant || ''), received, site, event);
create index ticket_ticket_status on ticket_ticket ((tenant || ''), status, received, site, event);

create table ticket_body (
	tenant text not null,
	site   text not null,
	event  text not null,
	body   blob not null,
	primary key (tenant, site, event)
);

insert into scrmkit_migration (version, name, applied) values (1, '0001_scrmkit', cast(strftime('%s', 'now') as integer) * 1000000);
