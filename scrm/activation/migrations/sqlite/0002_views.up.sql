-- +goose Up
create view report_code as
select tenant, code, state, nullif(department, '') as department, document ->> '$.settings.pool' as pool,
	coalesce(document ->> '$.settings.ports', 0) as ports,
	case when state = 'enabled' then (
		select coalesce(sum(value ->> '$.ports'), 0)
		from json_each(document, '$.sessions')
		where unixepoch(substr(value ->> '$.seen', 1, 19)) * 1000000 + substr(rtrim(substr(value ->> '$.seen', 21), 'Z') || '000000', 1, 6) + 86400000000 > now
	) else 0 end as used_ports,
	case when state = 'enabled' then (
		select count(value)
		from json_each(document, '$.sessions')
		where unixepoch(substr(value ->> '$.seen', 1, 19)) * 1000000 + substr(rtrim(substr(value ->> '$.seen', 21), 'Z') || '000000', 1, 6) + 180000000 > now
	) else 0 end as online,
	created as created_at, expires as expires_at,
	unixepoch(substr(document ->> '$.deleted', 1, 19)) * 1000000 + substr(rtrim(substr(document ->> '$.deleted', 21), 'Z') || '000000', 1, 6) as deleted_at,
	unixepoch(substr(document ->> '$.updated', 1, 19)) * 1000000 + substr(rtrim(substr(document ->> '$.updated', 21), 'Z') || '000000', 1, 6) as updated_at
from (
	select tenant, code, department, document, created, expires, now, case when off <> '' then off when expires <= now then 'expired' else 'enabled' end as state
	from (
		select tenant, code, off, department, state as document, created, unixepoch() * 1000000 + substr(strftime('%f', 'now'), 4) * 1000 as now,
			unixepoch(substr(state ->> '$.settings.expires', 1, 19)) * 1000000 + substr(rtrim(substr(state ->> '$.settings.expires', 21), 'Z') || '000000', 1, 6) as expires
		from activation_code
		where state not like '{"$format":%'
	)
);

insert into scrmkit_schema (context, version, name, checksum) values ('activation', 2, 'views', 'fb3006915bee5e1fcf98737d78fbb843588b019465b8cdf62c0449de8a03250d');
