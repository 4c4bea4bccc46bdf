alter table ticket_ticket add column code text not null default '';
alter table ticket_ticket add column account text not null default '';
update ticket_ticket set code = coalesce(state ->> '$.target.code', ''), account = coalesce(state ->> '$.target.account', '');
create index ticket_ticket_target on ticket_ticket ((tenant || ''), code, account, received, site, event)
	where status in ('pending', 'assigned');

insert into scrmkit_migration (version, name, applied) values (8, '0008_lines', cast(strftime('%s', 'now') as integer) * 1000000);
