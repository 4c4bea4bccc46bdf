-- +goose Up
create view report_card as
select tenant, member, program, case when expires <= now then 0 else count end as stamps, round as rounds, total,
	began as version, opened as opened_at, case when expires > now then expires end as expires_at
from (
	select tenant, member, program, expires, count, round, total, began, opened,
		unixepoch() * 1000000 + substr(strftime('%f', 'now'), 4) * 1000 as now
	from stamps_card
	where claim = 0
);

create view report_coupon as
select tenant, member, program, claim, n as number, reward, name, case when due <= now then 'lapsed' else state end as state,
	began as version, issued as issued_at, expires as expires_at, case when due <= now then due else ended end as ended_at,
	nullif(issuer, '') as issued_shop, nullif(shop, '') as redeemed_shop, nullif(actor, '') as ended_by
from (
	select tenant, member, program, claim, n, reward, name, due, state, began, issued, expires, ended, issuer, shop, actor,
		unixepoch() * 1000000 + substr(strftime('%f', 'now'), 4) * 1000 as now
	from stamps_coupon
);

insert into scrmkit_schema (context, version, name, checksum) values ('stamps', 2, 'views', 'e8771df79aa271c89631c8b3c32a43340c23df9dfae693590cbd09f3752dd6b6');
