alter table scrmkit.ticket_ticket add column code text collate "C" not null default '';
alter table scrmkit.ticket_ticket add column account text collate "C" not null default '';
update scrmkit.ticket_ticket set code = coalesce(state::json -> 'target' ->> 'code', ''), account = coalesce(state::json -> 'target' ->> 'account', '');
create index ticket_ticket_target on scrmkit.ticket_ticket ((tenant || ''), code, account, received, site, event)
	where status in ('pending', 'assigned');

-- Tickets among the visitors of a line are orders, which wait longer than others.
update scrmkit.dispatch_visitor set state = (state::jsonb || '{"order": true}')::text where substr(visitor, 1, 7) = 'ticket:';

insert into scrmkit.scrmkit_migration (version, name, applied) values (8, '0008_lines', now());
