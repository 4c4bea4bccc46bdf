-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table retention_floor (
	tenant text not null,
	name text not null,
	version integer not null,
	cursor text not null,
	primary key (tenant, name)
);

insert into scrmkit_schema (context, version, name, checksum) values ('retention', 1, 'tables', '7f637906e650e6a3f5a8bb37293fb0c6c88d8c48c0a368c1be0aa3e799de0bcb');
