-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table ticket_site (
	tenant text not null,
	site text not null,
	version integer not null,
	state text not null,
	primary key (tenant, site)
);

create table ticket_ticket (
	tenant text not null,
	site text not null,
	event text not null,
	version integer not null,
	received integer not null,
	status text not null,
	platform text not null,
	country text not null,
	state text not null,
	code text not null,
	account text not null,
	primary key (tenant, site, event)
);
create index ticket_ticket_received on ticket_ticket ((tenant || ''), received, site, event);
create index ticket_ticket_status on ticket_ticket ((tenant || ''), status, received, site, event);
create index ticket_ticket_code on ticket_ticket ((tenant || ''), code, received, site, event) where status in ('pending', 'assigned');
create index ticket_ticket_target on ticket_ticket ((tenant || ''), account, code, site, event) where status in ('pending', 'assigned');

create table ticket_body (
	tenant text not null,
	site text not null,
	event text not null,
	body blob not null,
	primary key (tenant, site, event)
);

create table ticket_templates (
	tenant text not null,
	program text not null,
	version integer not null,
	definition text not null,
	primary key (tenant, program, version)
);

insert into scrmkit_schema (context, version, name, checksum) values ('ticket', 1, 'tables', '720330c8f4d7c62d53f6813b47e65607b544468ffaf33270f8895e84adebbd84');
