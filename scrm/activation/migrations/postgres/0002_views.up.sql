-- +goose Up
create view scrmkit.report_code as
select c.tenant, c.code, t.state, nullif(c.department, '') as department, s.pool, coalesce(s.ports, 0) as ports,
	case when t.state = 'enabled' then n.used else 0 end as used_ports, case when t.state = 'enabled' then n.online else 0 end as online,
	c.created as created_at, s.expires as expires_at, d.deleted as deleted_at, d.updated as updated_at
from scrmkit.activation_code c
cross join lateral jsonb_to_record(c.state::jsonb) as d(settings jsonb, deleted timestamptz, updated timestamptz, sessions jsonb[])
cross join lateral jsonb_to_record(d.settings) as s(pool text, ports bigint, expires timestamptz)
cross join lateral (
	select case when c.off <> '' then c.off when s.expires <= now() then 'expired' else 'enabled' end as state
) t
cross join lateral (
	select count(*) filter (where l.seen + interval '3 minutes' > now()) as online,
		coalesce(sum(l.ports) filter (where l.seen + interval '24 hours' > now()), 0)::bigint as used
	from unnest(d.sessions) as e(session)
	cross join lateral jsonb_to_record(e.session) as l(seen timestamptz, ports bigint)
) n
where c.state not like '{"$format":%';
comment on view scrmkit.report_code is 'An activation code, as it stands now. Codes that a newer release wrote in a newer format are left out';
comment on column scrmkit.report_code.code is 'name of the code; it is no secret';
comment on column scrmkit.report_code.state is 'enabled, disabled, expired or deleted';
comment on column scrmkit.report_code.pool is 'pool whose ports it takes; null: it has its own';
comment on column scrmkit.report_code.ports is 'accounts that may work at a time; 0: as many as the pool has';
comment on column scrmkit.report_code.used_ports is 'ports in use, of sessions that something was heard of in the last 24 hours';
comment on column scrmkit.report_code.online is 'sessions that something was heard of in the last 3 minutes';
comment on column scrmkit.report_code.expires_at is 'from when on it does not work; null: never';

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('activation', 2, 'views', 'd10aad6db14c1f5866b8b48a9a3095dbe1bf23f1361dab3277bca4bb76709635');
