-- When codes had an account linked.
alter table activation_claim add column periods text not null default '';

update activation_claim as c set periods = coalesce((
	select json_array(json_object('code', p.code, 'from', p.state ->> '$.updated'))
	from activation_port p
	where p.tenant = c.tenant and p.code = c.code and p.n = c.n and p.account = c.account and p.at = 'linked'
), '');

insert into scrmkit_migration (version, name, applied) values (7, '0007_leads', cast(strftime('%s', 'now') as integer) * 1000000);
