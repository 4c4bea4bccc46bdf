-- As in the journal: what is found by its shop is never found through all rows of its tenant.
drop index scrmkit.shop_stamp_shop;
create index shop_stamp_shop on scrmkit.shop_stamp ((tenant || ''), shop, serial) where shop <> '';

drop index scrmkit.shop_invitation_open;
create index shop_invitation_open on scrmkit.shop_invitation ((tenant || ''), shop) where ended is null;

create index shop_manager_shop on scrmkit.shop_manager ((tenant || ''), shop, slot) where shop <> '';

insert into scrmkit.scrmkit_migration (version, name, applied) values (9, '0009_shop', now());
