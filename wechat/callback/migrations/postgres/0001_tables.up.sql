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

create table scrmkit.callback_push (
	tenant text collate "C" not null,
	receiver text collate "C" not null,
	hash bytea not null,
	at timestamptz not null,
	primary key (tenant, receiver, hash)
);
create index callback_push_at on scrmkit.callback_push ((tenant || ''), at, receiver, hash);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('callback', 1, 'tables', '1a8ab82c919151173577e439d38d6859a97182d8e45a709550bbcbe213963461');
