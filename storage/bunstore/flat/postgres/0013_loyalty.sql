-- Accounts that are due are read in that order.
drop index scrmkit.loyalty_account_due;
create index loyalty_account_due on scrmkit.loyalty_account ((tenant || ''), due, member, program) where due is not null;

insert into scrmkit.scrmkit_migration (version, name, applied) values (13, '0013_loyalty', now());
