-- Cards of :cards members, each with a record and an entry of the journal.
insert into scrmkit.stamps_card (tenant, member, program, claim, version, nickname, began, round, count, total, opened, number, state)
select '', 'm' || i, 'coffee', 0, 1, '', 1, 0, 1, 1, now(), 0, '{"seq":1,"first":"2026-03-01T09:30:00Z","last":"2026-03-01T09:30:00Z","recent":[{"seq":1,"at":"2026-03-01T09:30:00Z","n":1}]}'
  from generate_series(1, :cards) i;
insert into scrmkit.stamps_record (tenant, member, program, claim, seq, purpose, n, cancelled, stands, cancels, coupon, peer, at,
                                   shop, actor, via, nickname, nick_key, purchase, reason, began)
select '', 'm' || i, 'coffee', 0, 1, 'stamp', 1, 0, 1, 0, 0, '', now(), 'till', 'ann', 'code', '', '', '', '', 1
  from generate_series(1, :cards) i;
insert into scrmkit.journal_entry (tenant, subject, key, seq, kind, at, actor, input, before, result)
select '', 'stamps/coffee/m' || i, '0f8fad5b-d9cb-469f-a165-000000000001', 1, 'stamps.added', now(), 'ann',
       '\x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', '', repeat('{"card": {}} ', 50)
  from generate_series(1, :cards) i;
-- Accounts of as many members.
insert into scrmkit.loyalty_account (tenant, member, program, version, seq, hash, due, state)
select '', 'm' || i, 'club', 1, 1, '\x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', '2027-11-30T16:00:00Z',
       '{"joined":"2026-11-24T05:16:14.926829Z","active":"2026-11-24T05:16:14.926829Z","at":"2026-11-24T05:16:14.926829Z","holdings":[{"currency":"points","wallet":{"at":"2026-11-24T05:16:14.926829Z","lots":[{"to":"2027-11-30T16:00:00Z","n":129}]},"totals":{"issued":129}}],"tallies":[{"name":"metric/spent","tally":[12900,20781,12900]}],"status":{"level":"member","since":"2026-11-24T05:16:14.926829Z"}}'
  from generate_series(1, :cards) i;
vacuum analyze;
