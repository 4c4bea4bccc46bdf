-- When codes had an account linked.
alter table scrmkit.activation_claim add column periods text not null default '';

insert into scrmkit.scrmkit_migration (version, name, applied) values (7, '0007_leads', now());
