-- +goose Up
-- A lot arrives when it begins, or when its hold is released. Those that have arrived repay the debt, in that order, unless they
-- had ended by then.
create view scrmkit.report_lot as
select a.tenant, a.member, a.program, h.currency, s.state, q.n - q.repaid as points, q.repaid,
	case when s.state = 'pending' then q.arrives end as available_from, q.ends as expires_at,
	case when s.state = 'held' then q.hold end as hold, case when s.state = 'held' then q.arrives end as held_until
from scrmkit.loyalty_account a
cross join lateral jsonb_to_record(a.state::jsonb) as d(at timestamptz, holdings jsonb[])
cross join lateral (select greatest(now(), d.at) as now) t
cross join lateral unnest(d.holdings) as e(holding)
cross join lateral jsonb_to_record(e.holding) as h(currency text, wallet jsonb)
cross join lateral jsonb_to_record(h.wallet) as w(lots jsonb[], holds jsonb[], debt bigint)
cross join lateral (
	select o.n, o.arrives, o.ends, o.hold,
		case when o.pays then greatest(0, least(o.n, coalesce(w.debt, 0) - coalesce(sum(o.n) filter (where o.pays) over (
			order by o.arrives nulls first, o.ends nulls last, o.since nulls first rows between unbounded preceding and 1 preceding
		), 0)))::bigint else 0 end as repaid
	from (
		select p.n, p.arrives, p.ends, p.since, p.hold, (p.arrives > t.now) is not true and (p.ends <= p.arrives) is not true as pays
		from (
			select l.n, l."from" as arrives, l."to" as ends, l.since, null as hold
			from unnest(w.lots) as e(lot)
			cross join lateral jsonb_to_record(e.lot) as l(n bigint, "from" timestamptz, "to" timestamptz, since timestamptz)
			union all
			select l.n, k.until, l."to", l.since, k.name
			from unnest(w.holds) as f(hold)
			cross join lateral jsonb_to_record(f.hold) as k(name text, until timestamptz, lots jsonb[])
			cross join lateral unnest(k.lots) as e(lot)
			cross join lateral jsonb_to_record(e.lot) as l(n bigint, "to" timestamptz, since timestamptz)
		) p
	) o
) q
cross join lateral (
	select case
		when q.arrives > t.now and q.hold is null then 'pending'
		when q.arrives > t.now then 'held'
		when q.n = q.repaid then 'repaid'
		when q.ends <= t.now then 'expired'
		else 'available'
	end as state
) s
where a.state not like '{"$format":%';
comment on view scrmkit.report_lot is 'Points of a member that begin and end together, as they stand now. Accounts that a newer release wrote in a newer format are left out';
comment on column scrmkit.report_lot.state is 'available; pending: may be spent from available_from on; held: set aside until held_until; expired: has ended, and the books of the account do not say so yet; repaid: has repaid a debt since the last command, all of it';
comment on column scrmkit.report_lot.points is 'units: hundredths of a point where the scale of the currency is 2';
comment on column scrmkit.report_lot.repaid is 'units of the lot, besides points, that have repaid a debt since the last command';
comment on column scrmkit.report_lot.expires_at is 'first instant at which they can no longer be spent; null: they have no end. Points that are held end with their hold where that is later. Where the end follows the last activity or the tier, it is as the last command dated it';
comment on column scrmkit.report_lot.hold is 'key of the reservation';

create view scrmkit.report_balance as
select a.tenant, a.member, a.program, h.currency, s.available, s.pending, s.held, coalesce(w.debt, 0) - s.repaid as debt,
	s.next as next_expires_at, s.expiring as next_expiring, coalesce(b.issued, 0) as issued, coalesce(b.redeemed, 0) as redeemed,
	coalesce(b.expired, 0) + s.expired as expired, coalesce(b.revoked, 0) as revoked, coalesce(b.received, 0) as received, coalesce(b.sent, 0) as sent,
	d.joined as joined_at, d.active as active_at, d.turns as tier_due_at, d.merged as merged_into
from scrmkit.loyalty_account a
cross join lateral jsonb_to_record(a.state::jsonb)
	as d(joined timestamptz, active timestamptz, turns timestamptz, merged text, holdings jsonb[])
cross join lateral unnest(d.holdings) as e(holding)
cross join lateral jsonb_to_record(e.holding) as h(currency text, wallet jsonb, totals jsonb)
cross join lateral jsonb_to_record(h.wallet) as w(debt bigint)
cross join lateral jsonb_to_record(h.totals)
	as b(issued bigint, redeemed bigint, expired bigint, revoked bigint, received bigint, sent bigint)
cross join lateral (
	select coalesce(sum(points) filter (where state = 'available'), 0)::bigint as available,
		coalesce(sum(points) filter (where state = 'pending'), 0)::bigint as pending,
		coalesce(sum(points) filter (where state = 'held'), 0)::bigint as held,
		coalesce(sum(points) filter (where state = 'expired'), 0)::bigint as expired,
		coalesce(sum(repaid), 0)::bigint as repaid, min(next) as next,
		coalesce(sum(points) filter (where state in ('available', 'pending') and expires_at = next), 0)::bigint as expiring
	from (
		select l.state, l.points, l.repaid, l.expires_at, min(l.expires_at) filter (where l.state in ('available', 'pending')) over () as next
		from scrmkit.report_lot l
		where l.tenant = a.tenant and l.member = a.member and l.program = a.program and l.currency = h.currency
	) l
) s
where a.state not like '{"$format":%';
comment on view scrmkit.report_balance is 'What a member has of a currency now, in units, with the books since the account was opened. Accounts that a newer release wrote in a newer format are left out. issued + received - sent - redeemed - expired - revoked is available + pending + held - debt';
comment on column scrmkit.report_balance.available is 'may be spent';
comment on column scrmkit.report_balance.pending is 'may be spent later';
comment on column scrmkit.report_balance.held is 'set aside by reservations';
comment on column scrmkit.report_balance.debt is 'owed, which points that come in repay';
comment on column scrmkit.report_balance.next_expires_at is 'when available or pending points next end; null: never';
comment on column scrmkit.report_balance.next_expiring is 'how many end then';
comment on column scrmkit.report_balance.redeemed is 'less what was given back';
comment on column scrmkit.report_balance.revoked is 'by refunds and by hand, with what the member owes for it';
comment on column scrmkit.report_balance.received is 'from other members';
comment on column scrmkit.report_balance.sent is 'to other members';
comment on column scrmkit.report_balance.active_at is 'last earned or spent';
comment on column scrmkit.report_balance.tier_due_at is 'the row is exact until then, when the tier is decided anew: what that gives or takes is here once a command or Sweep has posted it. Null: there is no such time';
comment on column scrmkit.report_balance.merged_into is 'who the member turned out to be, and who has the points now';

create view scrmkit.report_tier as
select a.tenant, a.member, a.program, s.level as tier, s.since, s.until as valid_until, s.hand as by_hand, d.turns as due_at, d.joined as joined_at
from scrmkit.loyalty_account a
cross join lateral jsonb_to_record(a.state::jsonb) as d(joined timestamptz, status jsonb, turns timestamptz, merged text)
cross join lateral jsonb_to_record(d.status) as s(level text, since timestamptz, until timestamptz, hand text)
where s.level is not null and d.merged is null and a.state not like '{"$format":%';
comment on view scrmkit.report_tier is 'The tier of a member who was not merged into another, as the last command or Sweep left it. It is exact until due_at, for the version of the program that was in force then';
comment on column scrmkit.report_tier.since is 'when it was reached';
comment on column scrmkit.report_tier.valid_until is 'end of the validity that it was given, without the grace after that; null: as long as it is earned, or for ever. What is counted may give it again';
comment on column scrmkit.report_tier.by_hand is 'tier that was given by hand, below which the member does not fall until valid_until; null: none';
comment on column scrmkit.report_tier.due_at is 'when time next changes the tier, or what is counted for it: decided by the next command, or by Sweep; null: never';

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('loyalty', 2, 'views', '9803fed83fcac7ac1824f3b45531beac4c2d4ee9ffdf9a054268fd7a8671d3b4');
