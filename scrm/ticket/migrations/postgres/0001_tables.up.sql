-- +goose Up
create schema if not exists scrmkit;
create table if not exists scrmkit.scrmkit_schema (
	context text not null,
	version bigint not null,
	name text not null,
	checksum text not null,
	applied timestamptz not null default now(),
	primary key (context, version)
);

create table scrmkit.ticket_site (
	tenant text collate "C" not null,
	site text collate "C" not null,
	version bigint not null,
	state text not null,
	primary key (tenant, site)
);

create table scrmkit.ticket_ticket (
	tenant text collate "C" not null,
	site text collate "C" not null,
	event text collate "C" not null,
	version bigint not null,
	received timestamptz not null,
	status text collate "C" not null,
	platform text not null,
	country text not null,
	state text not null,
	code text collate "C" not null,
	account text collate "C" not null,
	primary key (tenant, site, event)
) with (fillfactor = 80);
create index ticket_ticket_received on scrmkit.ticket_ticket ((tenant || ''), received, site, event);
create index ticket_ticket_status on scrmkit.ticket_ticket ((tenant || ''), status, received, site, event);
create index ticket_ticket_code on scrmkit.ticket_ticket ((tenant || ''), code, received, site, event) where status in ('pending', 'assigned');
create index ticket_ticket_target on scrmkit.ticket_ticket ((tenant || ''), account, code, site, event) where status in ('pending', 'assigned');

create table scrmkit.ticket_body (
	tenant text collate "C" not null,
	site text collate "C" not null,
	event text collate "C" not null,
	body bytea not null,
	primary key (tenant, site, event)
);

create table scrmkit.ticket_templates (
	tenant text collate "C" not null,
	program text collate "C" not null,
	version bigint not null,
	definition text not null,
	primary key (tenant, program, version)
);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('ticket', 1, 'tables', '062f161b0091ef9876880ec560aeae5ab82b1142d24a0adcd15d56dd1b3c5fd9');
