-- What a visit at the till writes, as three statements, a transaction each: a code is asked for, checked, and spent for a
-- stamp on a new card, with values as long as the engines'. :n is drawn anew for each; there are 64 shops. No condition
-- fails, so that no client has to know a version: a floor has no retries.
with scope as (
	insert into scrmkit.otp_scope as s (tenant, scope, version, issued, debt, seq) values ('floor', 'shop' || (:n::bigint % 64), 1, 1, null, 1)
	on conflict (tenant, scope) do update set version = s.version + 1, issued = s.issued + 1, seq = s.seq + 1
	returning scope, seq
), meter as (
	insert into scrmkit.otp_meter (tenant, scope, kind, party, debt, misses) select 'floor', scope, 'holder', 'm' || :n, now(), 0 from scope
	on conflict (tenant, scope, kind, party) do update set debt = excluded.debt
), code as (
	insert into scrmkit.otp_code (tenant, scope, mac, version, number, key_id, digits, sealed, holder, purpose, payload, issued, expires,
	                              reusable, ended, ended_at, ended_by, id)
	select 'floor', scope, decode(md5('m' || :n), 'hex'), 1, seq, 'k1', 6, '\x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a089f86',
	       'm' || :n, 'stamp', '{"purpose":"stamp","member":"m12345","program":"coffee"}', now(), now() + interval '3 min', now() + interval '13 min',
	       '', null, '', decode(md5('i' || :n), 'hex') from scope
	on conflict do nothing
)
insert into scrmkit.journal_entry (tenant, subject, key, seq, kind, at, actor, input, before, result)
select 'floor', 'otp-holder/' || scope || '/m' || :n, '1-100000-' || seq, seq, 'otp.issue', now(), 'm' || :n,
       '\x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', '',
       '{"issued":{"digits":6,"next":6,"number":12345,"issued":"2026-03-14T15:26:53.589793Z","expires":"2026-03-14T15:29:53.589793Z"}}' from scope
on conflict do nothing;
with scope as (
	update scrmkit.otp_scope set version = version + 1, seq = seq + 1
	 where tenant = 'floor' and scope = 'shop' || (:n::bigint % 64) and version > 0 returning scope, seq
)
insert into scrmkit.journal_entry (tenant, subject, key, seq, kind, at, actor, input, before, result)
select 'floor', 'otp-typist/' || scope || '/openid', '1-100000-' || seq, seq, 'otp.check', now(), 'openid',
       '\x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', '', '{"claim":{"code":' || repeat('{"scope": "shop"} ', 25) || '}}' from scope
on conflict do nothing;
with code as (
	update scrmkit.otp_code set version = version + 1, sealed = '', ended = 'used', ended_at = now(), ended_by = 'openid'
	 where tenant = 'floor' and scope = 'shop' || (:n::bigint % 64) and mac = decode(md5('m' || :n), 'hex') and version = 1
	returning scope, number
), card as (
	insert into scrmkit.stamps_card (tenant, member, program, claim, version, nickname, began, round, count, total, opened, number, state)
	select 'floor', 'm' || :n, 'coffee', 0, 1, '', 1, 0, 1, 1, now(), 0, '{"seq":1,"first":"2026-03-01T09:30:00Z","last":"2026-03-01T09:30:00Z","recent":[{"seq":1,"at":"2026-03-01T09:30:00Z","n":1}]}' from code
	on conflict do nothing returning member
), record as (
	insert into scrmkit.stamps_record (tenant, member, program, claim, seq, purpose, n, cancelled, stands, cancels, coupon, peer, at,
	                                   shop, actor, via, nickname, nick_key, purchase, reason, began)
	select 'floor', member, 'coffee', 0, 1, 'stamp', 1, 0, 1, 0, 0, '', now(), 'shop12', 'openid', 'code', '', '', '', '', 1 from card
	on conflict do nothing
), stamped as (
	insert into scrmkit.journal_entry (tenant, subject, key, seq, kind, at, actor, input, before, result)
	select 'floor', 'stamps/coffee/' || member, 'code-0f8fad5bd9cb469f-12345', 1, 'stamps.add', now(), 'openid',
	       '\x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', '', repeat('{"card": {}} ', 40) from card
	on conflict do nothing
)
insert into scrmkit.journal_entry (tenant, subject, key, seq, kind, at, actor, input, before, result)
select 'floor', 'otp-code/' || scope || '/' || number, 'spend', 1, 'otp.spend', now(), 'openid',
       '\x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', '', '{"holder":"m12345","number":12345,"purpose":"stamp"}' from code
on conflict do nothing
