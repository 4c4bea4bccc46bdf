-- What one Earn for a purchase of one line writes, as one statement: the account, a booking, an entry of the journal, with
-- values as long as the engine's. :n is the number of the member. As for stamps, a floor has no retries.
with account as (
	update scrmkit.loyalty_account
	   set version = version + 1, seq = seq + 1, hash = '\x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', due = '2027-11-24T16:00:00Z',
	       state = '{"joined":"2026-11-24T05:16:14.357979Z","active":"2026-11-24T05:16:35.456207Z","at":"2026-11-24T05:16:35.456207Z","holdings":[{"currency":"points","wallet":{"at":"2026-11-24T05:16:35.456207Z","lots":[{"to":"2027-11-30T16:00:00Z","n":312105}]},"totals":{"issued":313470}}],"tallies":[{"name":"metric/spent","tally":[15725100,20781,15725100]}],"status":{"level":"gold","since":"2026-11-24T05:16:22.015762Z","until":"2027-11-24T16:00:00Z"}}'
	 where tenant = '' and member = 'm' || :n and program = 'club' and version > 0
	returning member, version
), booking as (
	insert into scrmkit.loyalty_booking (tenant, member, program, key, changes, state)
	select '', member, 'club', '0f8fad5b-d9cb-469f-0001-' || lpad(version::text, 12, '0'), 0,
	       '{"at":"2026-11-24T05:16:14.357979Z","lines":[{"id":"1","paid":12900,"items":1}],"parts":[{"currency":"points","n":129,"lots":[{"to":"2027-11-30T16:00:00Z","n":129}],"overdraft":"belowZero"}],"counts":[{"tally":"metric/spent","n":12900,"part":-1}]}'
	  from account
)
insert into scrmkit.journal_entry (tenant, subject, key, seq, kind, at, actor, input, before, result)
select '', 'loyalty/club/' || member, '0f8fad5b-d9cb-469f-0001-' || lpad(version::text, 12, '0'), version, 'loyalty.earn', now(), '',
       '\x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
       '{"seq":1218,"hash":"kt/Au0wuS+9MNVsHLz6BpVLz0POIfJEBDwM9GeQ0PRE="}',
       '{"account":{"program":"club","member":"m5"},"seq":1219,"at":"2026-11-24T05:16:26.20949Z","event":{"at":"2026-11-24T05:16:26.20949Z","n":1,"purchase":{"currency":"CNY","lines":[{"id":"1","gross":12900}]}},"moves":[{"currency":"points","at":"2026-11-24T05:16:26.20949Z","credited":[{"to":"2027-11-30T16:00:00Z","n":258}],"balance":{"available":313470,"pending":0,"held":0,"debt":0,"lapsed":0},"totals":{"issued":258}}],"steps":[{"rule":"base","currency":"points","n":129000000,"why":"gave"},{"rule":"gold","currency":"points","n":129000000,"why":"multiplied"}],"status":{"level":"gold","since":"2026-11-24T05:16:22.015762Z","until":"2027-11-24T16:00:00Z"}}'
  from account;
