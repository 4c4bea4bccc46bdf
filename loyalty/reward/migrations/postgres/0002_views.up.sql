-- +goose Up
create view scrmkit.report_catalog as
select c.tenant, c.program as catalog, c.version, d.name, d.zone, d.program, d.money
from scrmkit.reward_catalog c
cross join lateral jsonb_to_record(c.definition::jsonb) as d(name text, zone text, program text, money text)
where c.definition not like '{"$format":%';
comment on view scrmkit.report_catalog is 'A version of a catalog of rewards';
comment on column scrmkit.report_catalog.zone is 'time zone of its calendar';
comment on column scrmkit.report_catalog.program is 'program of the points that prices are in';
comment on column scrmkit.report_catalog.money is 'ISO 4217 code of all amounts; null: there are none';

create view scrmkit.report_voucher as
select v.tenant, v.member, v.catalog, v.n as number, v.reward, d.name, case when v.due <= now() then 'lapsed' else v.status end as state,
	d.version, d.of as given_for, coalesce(p.points, 0) as price_points, p.currency as price_currency, coalesce(p.money, 0) as price_money,
	coalesce(d.value, 0) as value, coalesce(d.gift, false) as gift, d.taken as taken_at, d."from" as valid_from, d."to" as expires_at,
	case when v.due <= now() then v.due else d.ended end as ended_at, d.shop as redeemed_shop, d.by as ended_by
from scrmkit.reward_voucher v
cross join lateral jsonb_to_record(v.state::jsonb) as d(
	name text, version bigint, of text, price jsonb, value bigint, gift boolean, taken timestamptz, "from" timestamptz, "to" timestamptz,
	ended timestamptz, shop text, by text
)
cross join lateral jsonb_to_record(d.price) as p(points bigint, currency text, money bigint)
where v.state not like '{"$format":%';
comment on view scrmkit.report_voucher is 'A voucher, as it stands now, of the member who took it: one who was merged into another keeps it here. Those that a newer release wrote in a newer format are left out';
comment on column scrmkit.report_voucher.number is 'among those that the member took from the catalog, from 1';
comment on column scrmkit.report_voucher.state is 'reserved, issued, redeemed, lapsed, cancelled (reserved, and given back), returned (issued, and given back) or voided';
comment on column scrmkit.report_voucher.version is 'version of the catalog that it was taken with';
comment on column scrmkit.report_voucher.given_for is 'order that it was given for, or the key that it was taken under';
comment on column scrmkit.report_voucher.price_points is 'units of price_currency that it cost';
comment on column scrmkit.report_voucher.price_currency is 'null: the first one of the program';
comment on column scrmkit.report_voucher.price_money is 'minor units of the money of the catalog';
comment on column scrmkit.report_voucher.value is 'what it stands for, minor units of the money of the catalog; 0: nothing';
comment on column scrmkit.report_voucher.gift is 'it was given for nothing';
comment on column scrmkit.report_voucher.taken_at is 'when it was reserved or issued';
comment on column scrmkit.report_voucher.expires_at is 'first instant at which it can no longer be redeemed, or, while it is reserved, issued; null: it has no end';
comment on column scrmkit.report_voucher.ended_at is 'when it was redeemed, lapsed or was given back or voided; null: it is reserved or issued';
comment on column scrmkit.report_voucher.ended_by is 'who ended it';

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('reward', 2, 'views', 'e83f8a5da11d4d99154e532e6de70ec9f8c2dd0ec1268bfed46d2b8c329d0ab1');
