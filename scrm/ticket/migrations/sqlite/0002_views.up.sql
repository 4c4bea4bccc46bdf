-- +goose Up
create view report_ticket as
select tenant, site, event, status as state, state ->> '$.reason' as reason, nullif(platform, '') as platform, nullif(country, '') as country,
	state ->> '$.fields.language' as language, state ->> '$.fields.order' as order_number, state ->> '$.fields.status' as order_status,
	state ->> '$.target.pool' as pool, nullif(code, '') as code, nullif(account, '') as account, state ->> '$.agent' as agent,
	state ->> '$.templates' as templates, coalesce(state ->> '$.decided', 0) as templates_version, state ->> '$.rule' as rule,
	coalesce(state ->> '$.came', 0) as pushes, received as received_at,
	unixepoch(substr(state ->> '$.taken', 1, 19)) * 1000000 + substr(rtrim(substr(state ->> '$.taken', 21), 'Z') || '000000', 1, 6) as taken_at,
	unixepoch(substr(state ->> '$.updated', 1, 19)) * 1000000 + substr(rtrim(substr(state ->> '$.updated', 21), 'Z') || '000000', 1, 6) as updated_at
from ticket_ticket
where state not like '{"$format":%';

insert into scrmkit_schema (context, version, name, checksum) values ('ticket', 2, 'views', '93a93ada26a8ef42744f9efb82179939ddade71fe54c7cec006be599e6bbf9af');
