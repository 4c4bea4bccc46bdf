-- +goose Up
create view report_customer as
select tenant, member,
	unixepoch(substr(state ->> '$.created', 1, 19)) * 1000000 + substr(rtrim(substr(state ->> '$.created', 21), 'Z') || '000000', 1, 6) as created_at,
	erase_by,
	unixepoch(substr(state ->> '$.erased', 1, 19)) * 1000000 + substr(rtrim(substr(state ->> '$.erased', 21), 'Z') || '000000', 1, 6) as erased_at,
	state ->> '$.preferences.language' as language
from customer_customer
where state not like '{"$format":%';

create view report_consent as
select c.tenant, c.member, k.value ->> '$.purpose' as purpose, k.value ->> '$.channel' as channel, k.value ->> '$.kind' as kind,
	k.value ->> '$.given' as given, k.value ->> '$.version' as version, k.value ->> '$.way' as way,
	unixepoch(substr(k.value ->> '$.time', 1, 19)) * 1000000 + substr(rtrim(substr(k.value ->> '$.time', 21), 'Z') || '000000', 1, 6) as said_at
from customer_customer c, json_each(c.state, '$.consents') k
where c.state not like '{"$format":%';

insert into scrmkit_schema (context, version, name, checksum) values ('customer', 2, 'views', 'bb3cc9a0c5bdbb02c1afa3391c9227cbe2308a4205c96035e3a8a97f930d54db');
