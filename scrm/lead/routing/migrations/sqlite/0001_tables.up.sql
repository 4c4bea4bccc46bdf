-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table routing_line (
	tenant text not null,
	line text not null,
	version integer not null,
	state text not null,
	primary key (tenant, line)
);

create table routing_visitor (
	tenant text not null,
	line text not null,
	visitor text not null,
	place integer not null,
	state text not null,
	primary key (tenant, line, visitor)
);
create index routing_visitor_place on routing_visitor ((tenant || ''), line, place, visitor) where place > 0;

insert into scrmkit_schema (context, version, name, checksum) values ('routing', 1, 'tables', 'a958b16dc130b28029a077ea00ce1f893ef08f876f4ea0ca0dbf04b37b43ab56');
