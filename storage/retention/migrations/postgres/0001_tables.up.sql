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

create table scrmkit.retention_floor (
	tenant text collate "C" not null,
	name text collate "C" not null,
	version bigint not null,
	cursor text not null,
	primary key (tenant, name)
);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('retention', 1, 'tables', '3b13c419ca56d3e1c3d0cd24806853c0c92abe7cac0eb3c1f9a801d555e1fbab');
