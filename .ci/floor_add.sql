-- What one Add of a stamp writes, as one statement: the card, a record, an entry of the journal, with values as long as
-- the engine's. :n is the number of the member. The engine's condition on the version is always true here, so that no
-- client has to know it: a floor has no retries.
with card as (
	update scrmkit.stamps_card
	   set version = version + 1, nickname = '王小明', count = count + 1, total = total + 1,
	       state = '[22,2,0,0,1773501986589793,1773501986589793,2,21,1773501985589793,1,22,1773501986589793,1,2,1,10,1,1772357400000000,1,10,1,1772357500000000]'
	 where tenant = '' and member = 'm' || :n and program = 'coffee' and claim = 0 and version > 0
	returning member, version
), record as (
	insert into scrmkit.stamps_record (tenant, member, program, claim, seq, purpose, n, cancelled, cancels, coupon, peer, at,
	                                   shop, actor, via, nickname, nick_key, purchase, reason)
	select '', member, 'coffee', 0, version, 'stamp', 1, 0, 0, 0, '', now(), 'wangjing', 'kathy', '', '王小明', '王小明', '', '' from card
)
insert into scrmkit.journal_entry (tenant, subject, key, seq, kind, at, actor, input, before, result)
select '', 'stamps/coffee/' || member, '0f8fad5b-d9cb-469f-a165-' || lpad(version::text, 12, '0'), version, 'stamps.add', now(), 'kathy',
       '\x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
       '{"version":21,"round":2,"count":1,"total":21}',
       '{"card":{"id":"coffee/m12345","version":22,"nickname":"王小明","began":1,"round":2,"count":2,"total":22,"opened":"2026-03-01T09:30:00.464379Z"},"record":{"card":"coffee/m12345","seq":22,"purpose":"stamp","n":1,"at":"2026-03-14T15:26:53.589793Z","shop":"wangjing","by":"kathy","nickname":"王小明"},"steps":[{"rule":"earn.visit","n":1,"why":"visits"}]}'
  from card;
