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

create table scrmkit.routing_line (
	tenant text collate "C" not null,
	line text collate "C" not null,
	version bigint not null,
	state text not null,
	primary key (tenant, line)
) with (fillfactor = 50);

create table scrmkit.routing_visitor (
	tenant text collate "C" not null,
	line text collate "C" not null,
	visitor text collate "C" not null,
	place bigint not null,
	state text not null,
	primary key (tenant, line, visitor)
);
create index routing_visitor_place on scrmkit.routing_visitor ((tenant || ''), line, place, visitor) where place > 0;

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('routing', 1, 'tables', '6bab369ec62be3f85231fa823f6c93293d191661b1fc19b8a43e7ceae8ef586d');
