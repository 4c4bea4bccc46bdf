-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table dispatch_line (
	tenant text not null,
	line text not null,
	version integer not null,
	state text not null,
	primary key (tenant, line)
);

create table dispatch_visitor (
	tenant text not null,
	line text not null,
	visitor text not null,
	place integer not null,
	state text not null,
	primary key (tenant, line, visitor)
);
create index dispatch_visitor_place on dispatch_visitor ((tenant || ''), line, place, visitor) where place > 0;

insert into scrmkit_schema (context, version, name, checksum) values ('dispatch', 1, 'tables', '19ad664b1bc3ed8918b4c9376d9df33958329bed15b0132bc3f825b1a11a54ce');
