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

create table scrmkit.dispatch_line (
	tenant text collate "C" not null,
	line text collate "C" not null,
	version bigint not null,
	state text not null,
	primary key (tenant, line)
) with (fillfactor = 50);

create table scrmkit.dispatch_visitor (
	tenant text collate "C" not null,
	line text collate "C" not null,
	visitor text collate "C" not null,
	place bigint not null,
	state text not null,
	primary key (tenant, line, visitor)
);
create index dispatch_visitor_place on scrmkit.dispatch_visitor ((tenant || ''), line, place, visitor) where place > 0;

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('dispatch', 1, 'tables', 'a97e2c33e1a6f1e83a4a87a237998cf95e472c479cfb9cc4ba0d2ba642e16920');
