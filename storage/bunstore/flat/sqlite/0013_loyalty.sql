-- Accounts that are due are read in that order.
drop index loyalty_account_due;
create index loyalty_account_due on loyalty_account ((tenant || ''), due, member, program) where due is not null;

insert into scrmkit_migration (version, name, applied) values (13, '0013_loyalty', cast(strftime('%s', 'now') as integer) * 1000000);
