alter table scrmkit.dispatch_line rename to routing_line;
alter index scrmkit.dispatch_line_pkey rename to routing_line_pkey;

alter table scrmkit.dispatch_visitor rename to routing_visitor;
alter index scrmkit.dispatch_visitor_pkey rename to routing_visitor_pkey;
alter index scrmkit.dispatch_visitor_place rename to routing_visitor_place;

insert into scrmkit.scrmkit_migration (version, name, applied) values (18, '0018_routing', now());
