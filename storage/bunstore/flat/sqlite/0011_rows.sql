-- Each index has the order of the list that is read along it.
drop index dispatch_visitor_place;
create index dispatch_visitor_place on dispatch_visitor ((tenant || ''), line, place, visitor) where place > 0;

drop index shop_invitation_open;
create index shop_invitation_open on shop_invitation ((tenant || ''), shop, expires, hash) where ended is null;
drop index shop_manager_shop;
create index shop_manager_shop on shop_manager ((tenant || ''), shop, slot, identity) where shop <> '';

drop index ticket_ticket_target;
create index ticket_ticket_target on ticket_ticket ((tenant || ''), account, code, site, event)
	where status in ('pending', 'assigned');
create index ticket_ticket_code on ticket_ticket ((tenant || ''), code, received, site, event)
	where status in ('pending', 'assigned');

insert into scrmkit_migration (version, name, applied) values (11, '0011_rows', cast(strftime('%s', 'now') as integer) * 1000000);
