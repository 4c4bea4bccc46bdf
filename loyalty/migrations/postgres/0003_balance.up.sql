-- +goose Up
-- The lots are worked out as in report_lot, from the account's own row: a look at that view for each row is slow, and Citus refuses
-- it.
create or replace view scrmkit.report_balance as
select a.tenant, a.member, a.program, h.currency, s.available, s.pending, s.held, coalesce(w.debt, 0) - s.repaid as debt,
	s.next as next_expires_at, s.expiring as next_expiring, coalesce(b.issued, 0) as issued, coalesce(b.redeemed, 0) as redeemed,
	coalesce(b.expired, 0) + s.expired as expired, coalesce(b.revoked, 0) as revoked, coalesce(b.received, 0) as received, coalesce(b.sent, 0) as sent,
	d.joined as joined_at, d.active as active_at, d.turns as tier_due_at, d.merged as merged_into
from scrmkit.loyalty_account a
cross join lateral jsonb_to_record(a.state::jsonb)
	as d(at timestamptz, joined timestamptz, active timestamptz, turns timestamptz, merged text, holdings jsonb[])
cross join lateral (select greatest(now(), d.at) as now) t
cross join lateral unnest(d.holdings) as e(holding)
cross join lateral jsonb_to_record(e.holding) as h(currency text, wallet jsonb, totals jsonb)
cross join lateral jsonb_to_record(h.wallet) as w(lots jsonb[], holds jsonb[], debt bigint)
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
		from (
			select q.n - q.repaid as points, q.repaid, q.ends as expires_at, case
				when q.arrives > t.now and q.hold is null then 'pending'
				when q.arrives > t.now then 'held'
				when q.n = q.repaid then 'repaid'
				when q.ends <= t.now then 'expired'
				else 'available'
			end as state
			from (
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
		) l
	) l
) s
where a.state not like '{"$format":%';

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('loyalty', 3, 'balance', 'bd653c4dcef1b55e31b50899f9265c895ff8115b118369e7a98ed3b2cdf78eb0');
