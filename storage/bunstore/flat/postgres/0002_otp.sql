-- Codes have a random id of their own, scopes number the entries of the journal apart from the codes, and one table
-- holds what is metered in a scope: typists, holders, devices.
alter table scrmkit.otp_scope add column seq bigint not null default 0;
update scrmkit.otp_scope set seq = issued;
-- Codes of before are of no tenant, and good in none.
delete from scrmkit.otp_code;
alter table scrmkit.otp_code add column id bytea not null default '';

create table scrmkit.otp_meter (
	tenant text collate "C" not null,
	scope  text collate "C" not null,
	kind   text collate "C" not null,
	party  text collate "C" not null,
	debt   timestamptz,
	misses bigint           not null,
	primary key (tenant, scope, kind, party)
) with (fillfactor = 80);
insert into scrmkit.otp_meter (tenant, scope, kind, party, debt, misses)
select tenant, scope, 'typist', typist, debt, 0 from scrmkit.otp_typist;
drop table scrmkit.otp_typist;

insert into scrmkit.scrmkit_migration (version, name, applied) values (2, '0002_otp', now());
