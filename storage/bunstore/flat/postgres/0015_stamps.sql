-- What is stored of a card by name, and not by position.
update scrmkit.stamps_card as k set state = s.state from (
	select c.tenant, c.member, c.program, c.claim, replace(jsonb_build_object(
		'q', j -> 0, 'c', j -> 1, 'f', j -> 2, 's', j -> 3, 'a', j -> 4, 'z', j -> 5,
		'r', (select coalesce(jsonb_agg(jsonb_build_object('q', j -> 7 + 3 * i, 't', j -> 8 + 3 * i, 'n', j -> 9 + 3 * i) order by i), '[]')
			from generate_series(0, r - 1) as i),
		'd', (select coalesce(jsonb_agg(jsonb_build_object(
				'v', j -> d0 + 1 + 4 * i, 'n', j -> d0 + 2 + 4 * i, 'r', j -> d0 + 3 + 4 * i, 'a', j -> d0 + 4 + 4 * i) order by i), '[]')
			from generate_series(0, runs - 1) as i),
		'b', case when d < 0 then j -> b0 else '0' end,
		'p', (select coalesce(jsonb_agg(jsonb_build_object('b', j -> p0 + 3 * i, 'n', j -> p0 + 1 + 3 * i, 'u', j -> p0 + 2 + 3 * i) order by i), '[]')
			from generate_series(0, paid - 1) as i),
		'o', (select coalesce(jsonb_agg(j -> i order by i), '[]') from generate_series(p0 + 3 * paid, jsonb_array_length(j) - 1) as i)
	)::text, '-62135596800000000', '0') as state
	from scrmkit.stamps_card as c
	cross join lateral (select c.state::jsonb as j) as a
	cross join lateral (select (j ->> 6)::int as r) as b
	cross join lateral (select 7 + 3 * r as d0) as e
	cross join lateral (select (j ->> d0)::int as d) as f
	cross join lateral (select case when d < 0 then -1 - d else d end as runs) as g
	cross join lateral (select d0 + 1 + 4 * runs as b0) as h
	cross join lateral (select case when d < 0 then (j ->> b0 + 1)::int else 0 end as paid, case when d < 0 then b0 + 2 else b0 end as p0) as i
	where c.state like '[%'
) as s where k.tenant = s.tenant and k.member = s.member and k.program = s.program and k.claim = s.claim;

drop index scrmkit.stamps_card_expires;
create index stamps_card_expires on scrmkit.stamps_card ((tenant || ''), expires, member, program, claim) where expires is not null;

alter table scrmkit.stamps_record add column stands bigint not null default 0;
update scrmkit.stamps_record set stands = 1 where purpose = 'stamp' and (cancelled < n or n = 0 and cancelled = 0);
update scrmkit.stamps_record set peer = case when peer = '' then 'null' else json_build_object('program', peer::json ->> 0, 'member', peer::json ->> 1, 'claim', (peer::json ->> 2)::bigint)::text end;
update scrmkit.stamps_record set purchase = 'null' where purchase = '';
drop index scrmkit.stamps_record_shop;
create index stamps_record_shop on scrmkit.stamps_record ((tenant || ''), shop, at, member, program, claim, seq) where shop <> '';

alter table scrmkit.stamps_coupon add column due timestamptz;
update scrmkit.stamps_coupon set due = expires where state = 'issued';
drop index scrmkit.stamps_coupon_expires;
create index stamps_coupon_due on scrmkit.stamps_coupon ((tenant || ''), due, member, program, claim, n) where due is not null;

insert into scrmkit.scrmkit_migration (version, name, applied) values (15, '0015_stamps', now());
