-- What one Add of a stamp writes, as one statement: the card, a record, an entry of the journal, with values as long as
-- the engine's. :n is the number of the member. The engine's condition on the version is always true here, so that no
-- client has to know it: a floor has no retries.
with card as (
	update scrmkit.stamps_card
	   set version = version + 1, nickname = '王小明', count = count + 1, total = total + 1,
	       state = '{"seq":22,"coupons":2,"first":"2026-03-14T15:26:26.589793Z","last":"2026-03-14T15:26:26.589793Z","recent":[{"seq":21,"at":"2026-03-14T15:26:25.589793Z","n":1},{"seq":22,"at":"2026-03-14T15:26:26.589793Z","n":1}],"done":[{"version":1,"size":10,"rounds":1,"first":"2026-03-01T09:30:00Z"},{"version":1,"size":10,"rounds":1,"first":"2026-03-01T09:31:40Z"}]}'
	 where tenant = '' and member = 'm' || :n and program = 'coffee' and claim = 0 and version > 0
	returning member, version
), record as (
	insert into scrmkit.stamps_record (tenant, member, program, claim, seq, purpose, n, cancelled, stands, cancels, coupon, peer, at,
	                                   shop, actor, via, nickname, nick_key, purchase, reason, began)
	select '', member, 'coffee', 0, version, 'stamp', 1, 0, 1, 0, 0, '', now(), 'wangjing', 'kathy', '', '王小明', '王小明', '', '', 1 from card
)
insert into scrmkit.journal_entry (tenant, subject, key, seq, kind, at, actor, input, before, result)
select '', 'stamps/coffee/' || member, '0f8fad5b-d9cb-469f-a165-' || lpad(version::text, 12, '0'), version, 'stamps.add', now(), 'kathy',
       '\x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
       '{"version":21,"round":2,"count":1,"total":21}',
       '{"card":{"id":"coffee/m12345","version":22,"nickname":"王小明","began":1,"round":2,"count":2,"total":22,"opened":"2026-03-01T09:30:00.464379Z"},"record":{"card":"coffee/m12345","seq":22,"purpose":"stamp","n":1,"at":"2026-03-14T15:26:53.589793Z","shop":"wangjing","by":"kathy","nickname":"王小明"},"steps":[{"rule":"earn.visit","n":1,"why":"visits"}]}'
  from card;
