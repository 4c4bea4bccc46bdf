drop index scrmkit.otp_code_holder;
drop index scrmkit.otp_code_live;
drop index scrmkit.otp_code_reusable;
create index otp_code_holder on scrmkit.otp_code ((tenant || ''), scope, holder, purpose, expires, mac) where ended in ('');
create index otp_code_live on scrmkit.otp_code ((tenant || ''), scope, digits, expires, mac) where ended in ('');
create index otp_code_reusable on scrmkit.otp_code ((tenant || ''), reusable, scope, mac) where reusable is not null;

alter table scrmkit.otp_meter add column idle timestamptz;
update scrmkit.otp_meter set idle = date_trunc('hour', debt) + interval '1 hour' where misses = 0 and debt is not null;
create index otp_meter_idle on scrmkit.otp_meter ((tenant || ''), idle, scope, kind, party) where idle is not null;

insert into scrmkit.scrmkit_migration (version, name, applied) values (17, '0017_otp', now());
