-- What is stored of a card by name, and not by position.
update stamps_card set state = (
	select replace(json_object(
		'q', json_extract(s, '$[0]'), 'c', json_extract(s, '$[1]'), 'f', json_extract(s, '$[2]'), 's', json_extract(s, '$[3]'),
		'a', json_extract(s, '$[4]'), 'z', json_extract(s, '$[5]'),
		'r', json((select json_group_array(json_object('q', e.value, 't', json_extract(s, '$[' || (e.key + 1) || ']'), 'n', json_extract(s, '$[' || (e.key + 2) || ']')))
			from json_each(s) as e where e.key >= 7 and e.key < d0 and (e.key - 7) % 3 = 0)),
		'd', json((select json_group_array(json_object('v', e.value, 'n', json_extract(s, '$[' || (e.key + 1) || ']'),
				'r', json_extract(s, '$[' || (e.key + 2) || ']'), 'a', json_extract(s, '$[' || (e.key + 3) || ']')))
			from json_each(s) as e where e.key > d0 and e.key < b0 and (e.key - d0 - 1) % 4 = 0)),
		'b', case when d < 0 then json_extract(s, '$[' || b0 || ']') else 0 end,
		'p', json((select json_group_array(json_object('b', e.value, 'n', json_extract(s, '$[' || (e.key + 1) || ']'), 'u', json_extract(s, '$[' || (e.key + 2) || ']')))
			from json_each(s) as e where e.key >= p0 and e.key < p0 + 3 * paid and (e.key - p0) % 3 = 0)),
		'o', json((select json_group_array(e.value) from json_each(s) as e where e.key >= p0 + 3 * paid))
	), '-62135596800000000', '0')
	from (select *, case when d < 0 then json_extract(s, '$[' || (b0 + 1) || ']') else 0 end as paid, case when d < 0 then b0 + 2 else b0 end as p0
	from (select *, d0 + 1 + 4 * case when d < 0 then -1 - d else d end as b0
	from (select *, json_extract(s, '$[' || d0 || ']') as d
	from (select stamps_card.state as s, 7 + 3 * json_extract(stamps_card.state, '$[6]') as d0))))
) where state like '[%';

drop index stamps_card_expires;
create index stamps_card_expires on stamps_card ((tenant || ''), expires, member, program, claim) where expires is not null;

alter table stamps_record add column stands integer not null default 0;
update stamps_record set stands = 1 where purpose = 'stamp' and (cancelled < n or n = 0 and cancelled = 0);
update stamps_record set peer = case when peer = '' then 'null' else json_object('program', json_extract(peer, '$[0]'), 'member', json_extract(peer, '$[1]'), 'claim', json_extract(peer, '$[2]')) end;
update stamps_record set purchase = 'null' where purchase = '';
drop index stamps_record_shop;
create index stamps_record_shop on stamps_record ((tenant || ''), shop, at, member, program, claim, seq) where shop <> '';

alter table stamps_coupon add column due integer;
update stamps_coupon set due = expires where state = 'issued';
drop index stamps_coupon_expires;
create index stamps_coupon_due on stamps_coupon ((tenant || ''), due, member, program, claim, n) where due is not null;

insert into scrmkit_migration (version, name, applied) values (15, '0015_stamps', cast(strftime('%s', 'now') as integer) * 1000000);
