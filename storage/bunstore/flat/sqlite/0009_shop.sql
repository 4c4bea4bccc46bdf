-- As in the journal: what is found by its shop is never found through all rows of its tenant.
drop index shop_stamp_shop;
create index shop_stamp_shop on shop_stamp ((tenant || ''), shop, serial) where shop <> '';

drop index shop_invitation_open;
create index shop_invitation_open on shop_invitation ((tenant || ''), shop) where ended is null;

create index shop_manager_shop on shop_manager ((tenant || ''), shop, slot) where shop <> '';

insert into scrmkit_migration (version, name, applied) values (9, '0009_shop', cast(strftime('%s', 'now') as integer) * 1000000);
