-- The end of a voucher that time may end, and nothing of the others.
alter table reward_voucher rename column ends to due;
update reward_voucher set due = null where status not in ('reserved', 'issued');

drop index reward_voucher_mac;
create unique index reward_voucher_mac on reward_voucher (tenant, mac) where length(mac) > 0;
drop index reward_voucher_reserved;
create index reward_voucher_reserved on reward_voucher ((tenant || ''), member, catalog, n) where status in ('reserved');
drop index reward_voucher_ends;
create index reward_voucher_due on reward_voucher ((tenant || ''), due, member, catalog, n) where due is not null;

insert into scrmkit_migration (version, name, applied) values (12, '0012_reward', cast(strftime('%s', 'now') as integer) * 1000000);
