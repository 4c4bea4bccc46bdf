-- +goose Up
create view report_catalog as
select tenant, program as catalog, version, definition ->> '$.name' as name, definition ->> '$.zone' as zone,
	definition ->> '$.program' as program, definition ->> '$.money' as money
from reward_catalog
where definition not like '{"$format":%';

create view report_voucher as
select tenant, member, catalog, n as number, reward, state ->> '$.name' as name, case when due <= now then 'lapsed' else status end as state,
	state ->> '$.version' as version, state ->> '$.of' as given_for, coalesce(state ->> '$.price.points', 0) as price_points,
	state ->> '$.price.currency' as price_currency, coalesce(state ->> '$.price.money', 0) as price_money,
	coalesce(state ->> '$.value', 0) as value, coalesce(state ->> '$.gift', 0) as gift,
	unixepoch(substr(state ->> '$.taken', 1, 19)) * 1000000 + substr(rtrim(substr(state ->> '$.taken', 21), 'Z') || '000000', 1, 6) as taken_at,
	unixepoch(substr(state ->> '$.from', 1, 19)) * 1000000 + substr(rtrim(substr(state ->> '$.from', 21), 'Z') || '000000', 1, 6) as valid_from,
	unixepoch(substr(state ->> '$.to', 1, 19)) * 1000000 + substr(rtrim(substr(state ->> '$.to', 21), 'Z') || '000000', 1, 6) as expires_at,
	case when due <= now then due
		else unixepoch(substr(state ->> '$.ended', 1, 19)) * 1000000 + substr(rtrim(substr(state ->> '$.ended', 21), 'Z') || '000000', 1, 6)
	end as ended_at,
	state ->> '$.shop' as redeemed_shop, state ->> '$.by' as ended_by
from (
	select tenant, member, catalog, n, reward, due, status, state, unixepoch() * 1000000 + substr(strftime('%f', 'now'), 4) * 1000 as now
	from reward_voucher
	where state not like '{"$format":%'
);

insert into scrmkit_schema (context, version, name, checksum) values ('reward', 2, 'views', '4542a23b34c26f3779d38d27b71ce15b300f09e861b05c759054f68985f585c8');
