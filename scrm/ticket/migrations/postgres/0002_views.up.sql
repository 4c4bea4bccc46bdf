-- +goose Up
create view scrmkit.report_ticket as
select k.tenant, k.site, k.event, k.status as state, d.reason, nullif(k.platform, '') as platform, nullif(k.country, '') as country, f.language,
	f."order" as order_number, f.status as order_status, t.pool, nullif(k.code, '') as code, nullif(k.account, '') as account, d.agent,
	d.templates, coalesce(d.decided, 0) as templates_version, d.rule, coalesce(d.came, 0) as pushes,
	k.received as received_at, d.taken as taken_at, d.updated as updated_at
from scrmkit.ticket_ticket k
cross join lateral jsonb_to_record(k.state::jsonb) as d(
	reason text, fields jsonb, target jsonb, agent text, taken timestamptz, templates text, decided bigint, rule text, came bigint, updated timestamptz
)
cross join lateral jsonb_to_record(d.fields) as f(language text, "order" text, status text)
cross join lateral jsonb_to_record(d.target) as t(pool text)
where k.state not like '{"$format":%';
comment on view scrmkit.report_ticket is 'What a website pushed, and what became of it, without what is personal. Tickets that a newer release wrote in a newer format are left out';
comment on column scrmkit.report_ticket.event is 'id of the push, or of the ticket of its order';
comment on column scrmkit.report_ticket.state is 'received, pending, assigned, manual, rejected or done';
comment on column scrmkit.report_ticket.reason is 'why it is to be handled by hand';
comment on column scrmkit.report_ticket.order_status is 'in the words of the site';
comment on column scrmkit.report_ticket.pool is 'pool, code and account are who handles it';
comment on column scrmkit.report_ticket.agent is 'who took it';
comment on column scrmkit.report_ticket.templates is 'templates that decided, with their version and the rule that was met';
comment on column scrmkit.report_ticket.pushes is 'pushes of the order so far; 0: the site pushes no orders';
comment on column scrmkit.report_ticket.received_at is 'when it was first pushed';
comment on column scrmkit.report_ticket.taken_at is 'when an agent took it';

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('ticket', 2, 'views', 'fe4e5ee2f519273fe95800c03c1b34f16f113fa2907dc201a15d588f9a66fc4d');
