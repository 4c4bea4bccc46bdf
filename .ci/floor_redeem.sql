-- What one Redeem writes, as one statement: the account, a booking, an entry of the journal, with values as long as the
-- engine's. :n is the number of the member. As for stamps, a floor has no retries.
with account as (
	update scrmkit.loyalty_account
	   set version = version + 1, seq = seq + 1, hash = '\x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', due = '2027-11-24T16:00:00Z',
	       state = '{"joined":"2026-11-24T10:21:12.41961Z","active":"2026-11-24T10:21:13.742029Z","at":"2026-11-24T10:21:13.742029Z","holdings":[{"currency":"points","wallet":{"at":"2026-11-24T10:21:13.742029Z","lots":[{"to":"2027-11-30T16:00:00Z","n":2000000000114}]},"totals":{"issued":2000000000129,"redeemed":15}}],"tallies":[{"name":"metric/spent","tally":[12900,20781,12900]}],"status":{"level":"member","since":"2026-11-24T10:21:12.41961Z"}}'
	 where tenant = '' and member = 'm' || :n and program = 'club' and version > 0
	returning member, version
), booking as (
	insert into scrmkit.loyalty_booking (tenant, member, program, key, changes, state)
	select '', member, 'club', '0f8fad5b-d9cb-469f-0001-' || lpad(version::text, 12, '0'), 0,
	       '{"at":"2026-11-24T10:21:13.710812Z","spent": true,"parts":[{"currency":"points","n":1,"lots":[{"to":"2027-11-30T16:00:00Z","n":1}]}]}'
	  from account
)
insert into scrmkit.journal_entry (tenant, subject, key, seq, kind, at, actor, input, before, result)
select '', 'loyalty/club/' || member, '0f8fad5b-d9cb-469f-0001-' || lpad(version::text, 12, '0'), version, 'loyalty.redeem', now(), '',
       '\x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
       '{"seq":1218,"hash":"kt/Au0wuS+9MNVsHLz6BpVLz0POIfJEBDwM9GeQ0PRE="}',
       '{"account":{"program":"club","member":"m31"},"command":{"account":{"program":"club","member":"m31"},"n":1},"seq":22,"at":"2026-11-24T10:21:13.74277Z","moves":[{"currency":"points","at":"2026-11-24T10:21:13.74277Z","taken":[{"to":"2027-11-30T16:00:00Z","n":1}],"balance":{"available":2000000000110,"pending":0,"held":0,"debt":0,"lapsed":0},"totals":{"redeemed":1}}],"status":{"level":"member","since":"2026-11-24T10:21:12.418755Z"}}'
  from account;
