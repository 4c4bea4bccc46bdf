-- +goose Up
-- A lot arrives when it begins, or when its hold is released. Those that have arrived repay the debt, in that order, unless they
-- had ended by then.
create view report_lot as
select a.tenant, a.member, a.program, h.value ->> '$.currency' as currency, l.value ->> '$.state' as state, l.value ->> '$.points' as points,
	l.value ->> '$.repaid' as repaid, l.value ->> '$.available_from' as available_from, l.value ->> '$.expires_at' as expires_at,
	l.value ->> '$.hold' as hold, l.value ->> '$.held_until' as held_until
from loyalty_account a, json_each(a.state, '$.holdings') h, json_each((
	select json_group_array(json_object(
		'state', state, 'points', n - repaid, 'repaid', repaid, 'available_from', case when state = 'pending' then arrives end, 'expires_at', ends,
		'hold', case when state = 'held' then hold end, 'held_until', case when state = 'held' then arrives end
	))
	from (
		select n, repaid, arrives, ends, hold, case
			when arrives > now and hold is null then 'pending'
			when arrives > now then 'held'
			when n = repaid then 'repaid'
			when ends <= now then 'expired'
			else 'available'
		end as state
		from (
			select n, arrives, ends, hold, now, case when pays then max(0, min(n, coalesce(h.value ->> '$.wallet.debt', 0) - coalesce(
				sum(n) filter (where pays) over (
					order by arrives nulls first, ends nulls last, since nulls first rows between unbounded preceding and 1 preceding
				), 0))) else 0 end as repaid
			from (
				select n, arrives, ends, since, hold, now, (arrives > now) is not true and (ends <= arrives) is not true as pays
				from (
					select n, hold,
						unixepoch(substr(arrives, 1, 19)) * 1000000 + substr(rtrim(substr(arrives, 21), 'Z') || '000000', 1, 6) as arrives,
						unixepoch(substr(ends, 1, 19)) * 1000000 + substr(rtrim(substr(ends, 21), 'Z') || '000000', 1, 6) as ends,
						unixepoch(substr(since, 1, 19)) * 1000000 + substr(rtrim(substr(since, 21), 'Z') || '000000', 1, 6) as since,
						max(unixepoch() * 1000000 + substr(strftime('%f', 'now'), 4) * 1000,
							unixepoch(substr(at, 1, 19)) * 1000000 + substr(rtrim(substr(at, 21), 'Z') || '000000', 1, 6)) as now
					from (
						select a.state ->> '$.at' as at, p.value ->> '$.n' as n, p.value ->> '$.from' as arrives, p.value ->> '$.to' as ends,
							p.value ->> '$.since' as since, null as hold
						from json_each(h.value, '$.wallet.lots') p
						union all
						select a.state ->> '$.at', p.value ->> '$.n', k.value ->> '$.until', p.value ->> '$.to',
							p.value ->> '$.since', k.value ->> '$.name'
						from json_each(h.value, '$.wallet.holds') k, json_each(k.value, '$.lots') p
					)
				)
			)
		)
	)
)) l
where a.state not like '{"$format":%';

create view report_balance as
select a.tenant, a.member, a.program, h.value ->> '$.currency' as currency,
	s.value ->> '$.available' as available, s.value ->> '$.pending' as pending, s.value ->> '$.held' as held,
	coalesce(h.value ->> '$.wallet.debt', 0) - (s.value ->> '$.repaid') as debt,
	s.value ->> '$.next' as next_expires_at, s.value ->> '$.expiring' as next_expiring,
	coalesce(h.value ->> '$.totals.issued', 0) as issued, coalesce(h.value ->> '$.totals.redeemed', 0) as redeemed,
	coalesce(h.value ->> '$.totals.expired', 0) + (s.value ->> '$.expired') as expired,
	coalesce(h.value ->> '$.totals.revoked', 0) as revoked, coalesce(h.value ->> '$.totals.received', 0) as received,
	coalesce(h.value ->> '$.totals.sent', 0) as sent,
	unixepoch(substr(a.state ->> '$.joined', 1, 19)) * 1000000 + substr(rtrim(substr(a.state ->> '$.joined', 21), 'Z') || '000000', 1, 6) as joined_at,
	unixepoch(substr(a.state ->> '$.active', 1, 19)) * 1000000 + substr(rtrim(substr(a.state ->> '$.active', 21), 'Z') || '000000', 1, 6) as active_at,
	unixepoch(substr(a.state ->> '$.turns', 1, 19)) * 1000000 + substr(rtrim(substr(a.state ->> '$.turns', 21), 'Z') || '000000', 1, 6) as tier_due_at,
	a.state ->> '$.merged' as merged_into
from loyalty_account a, json_each(a.state, '$.holdings') h, json_each(json_array((
	select json_object(
		'available', coalesce(sum(points) filter (where state = 'available'), 0),
		'pending', coalesce(sum(points) filter (where state = 'pending'), 0),
		'held', coalesce(sum(points) filter (where state = 'held'), 0),
		'expired', coalesce(sum(points) filter (where state = 'expired'), 0),
		'repaid', coalesce(sum(repaid), 0), 'next', min(next),
		'expiring', coalesce(sum(points) filter (where state in ('available', 'pending') and expires_at = next), 0)
	)
	from (
		select l.state, l.points, l.repaid, l.expires_at, min(l.expires_at) filter (where l.state in ('available', 'pending')) over () as next
		from report_lot l
		where l.tenant = a.tenant and l.member = a.member and l.program = a.program and l.currency = h.value ->> '$.currency'
	)
))) s
where a.state not like '{"$format":%';

create view report_tier as
select tenant, member, program, state ->> '$.status.level' as tier,
	unixepoch(substr(state ->> '$.status.since', 1, 19)) * 1000000 + substr(rtrim(substr(state ->> '$.status.since', 21), 'Z') || '000000', 1, 6) as since,
	unixepoch(substr(state ->> '$.status.until', 1, 19)) * 1000000 + substr(rtrim(substr(state ->> '$.status.until', 21), 'Z') || '000000', 1, 6) as valid_until,
	state ->> '$.status.hand' as by_hand,
	unixepoch(substr(state ->> '$.turns', 1, 19)) * 1000000 + substr(rtrim(substr(state ->> '$.turns', 21), 'Z') || '000000', 1, 6) as due_at,
	unixepoch(substr(state ->> '$.joined', 1, 19)) * 1000000 + substr(rtrim(substr(state ->> '$.joined', 21), 'Z') || '000000', 1, 6) as joined_at
from loyalty_account
where state ->> '$.status.level' is not null and state ->> '$.merged' is null and state not like '{"$format":%';

insert into scrmkit_schema (context, version, name, checksum) values ('loyalty', 2, 'views', '8c805b8f4bab5043214d2f47a5db8c47cd58283312c6e9912936dc7a8254c395');
