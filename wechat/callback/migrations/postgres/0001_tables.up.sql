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
	hash bytea not null,
	receiver text collate "C" not null,
	at timestamptz not null,
	primary key (tenant, hash, receiver)
);
create index callback_push_at on scrmkit.callback_push ((tenant || ''), at, hash, receiver);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('callback', 1, 'tables', '6cfb1d3f3beab6be3494818c20047721ef08a0cec01467a81c4308a5f7e4aa73');
