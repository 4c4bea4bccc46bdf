-- When codes had an account linked.
alter table activation_claim add column periods text not null default '';

insert into scrmkit_migration (version, name, applied) values (7, '0007_leads', cast(strftime('%s', 'now') as integer) * 1000000);
