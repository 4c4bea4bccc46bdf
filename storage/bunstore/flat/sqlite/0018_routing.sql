alter table dispatch_line rename to routing_line;

drop index dispatch_visitor_place;
alter table dispatch_visitor rename to routing_visitor;
create index routing_visitor_place on routing_visitor ((tenant || ''), line, place, visitor) where place > 0;

insert into scrmkit_migration (version, name, applied) values (18, '0018_routing', cast(strftime('%s', 'now') as integer) * 1000000);
