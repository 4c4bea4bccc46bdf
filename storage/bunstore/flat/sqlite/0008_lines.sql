alter table ticket_ticket add column code text not null default '';
alter table ticket_ticket add column account text not null default '';
update ticket_ticket set code = coalesce(state ->> '$.target.code', ''), account = coalesce(state ->> '$.target.account', '');
create index ticket_ticket_target on ticket_ticket ((tenant || ''), code, account, received, site, event)
	where status in ('pending', 'assigned');

-- Tickets among the visitors of a line are orders, which wait longer than others.
update dispatch_visitor set state = json_set(state, '$.order', json('true')) where substr(visitor, 1, 7) = 'ticket:';

insert into scrmkit_migration (version, name, applied) values (8, '0008_lines', cast(strftime('%s', 'now') as integer) * 1000000);
