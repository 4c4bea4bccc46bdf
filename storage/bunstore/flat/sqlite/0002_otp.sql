-- Codes have a random id of their own, scopes number the entries of the journal apart from the codes, and one table
-- holds what is metered in a scope: typists, holders, devices.
alter table otp_scope add column seq integer not null default 0;
update otp_scope set seq = issued;
-- Codes of before are of no tenant, and good in none.
delete from otp_code;
alter table otp_code add column id blob not null default x'';

create table otp_meter (
	tenant text    not null,
	scope  text    not null,
	kind   text    not null,
	party  text    not null,
	debt   integer,
	misses integer not null,
	primary key (tenant, scope, kind, party)
);
insert into otp_meter (tenant, scope, kind, party, debt, misses)
select tenant, scope, 'typist', typist, debt, 0 from otp_typist;
drop table otp_typist;

insert into scrmkit_migration (version, name, applied) values (2, '0002_otp', cast(strftime('%s', 'now') as integer) * 1000000);
