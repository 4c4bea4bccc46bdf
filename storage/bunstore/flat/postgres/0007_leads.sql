-- When codes had an account linked.
alter table scrmkit.activation_claim add column periods text not null default '';

update scrmkit.activation_claim as c set periods = coalesce((
	select json_build_array(json_build_object('code', p.code, 'from', p.state::json ->> 'updated'))::text
	from scrmkit.activation_port p
	where p.tenant = c.tenant and p.code = c.code and p.n = c.n and p.account = c.account and p.at = 'linked'
), '');

insert into scrmkit.scrmkit_migration (version, name, applied) values (7, '0007_leads', now());
