drop index otp_code_holder;
drop index otp_code_live;
drop index otp_code_reusable;
create index otp_code_holder on otp_code ((tenant || ''), scope, holder, purpose, expires, mac) where ended in ('');
create index otp_code_live on otp_code ((tenant || ''), scope, digits, expires, mac) where ended in ('');
create index otp_code_reusable on otp_code ((tenant || ''), reusable, scope, mac) where reusable is not null;

alter table otp_meter add column idle integer;
update otp_meter set idle = (debt / 3600000000 + 1) * 3600000000 where misses = 0 and debt is not null;
create index otp_meter_idle on otp_meter ((tenant || ''), idle, scope, kind, party) where idle is not null;

insert into scrmkit_migration (version, name, applied) values (17, '0017_otp', cast(strftime('%s', 'now') as integer) * 1000000);
