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

create table scrmkit.delivery_recipient (
	tenant text collate "C" not null,
	hash bytea not null,
	version bigint not null,
	seq bigint not null,
	state text not null,
	idle timestamptz,
	primary key (tenant, hash)
) with (fillfactor = 80);
create index delivery_recipient_idle on scrmkit.delivery_recipient ((tenant || ''), idle, hash) where idle is not null;

create table scrmkit.delivery_message (
	tenant text collate "C" not null,
	ref text collate "C" not null,
	version bigint not null,
	state text not null,
	due timestamptz,
	tries bigint not null,
	recipient bytea not null,
	channel text not null,
	purpose text not null,
	template text not null,
	language text not null,
	made timestamptz,
	expires timestamptz not null,
	changed timestamptz,
	vendor_id text not null,
	reason text not null,
	key_id text not null,
	sealed bytea not null,
	primary key (tenant, ref)
) with (fillfactor = 70);
create index delivery_message_due on scrmkit.delivery_message ((tenant || ''), due, ref) where due is not null;
create index delivery_message_expires on scrmkit.delivery_message ((tenant || ''), expires, ref);

create table scrmkit.delivery_count (
	tenant text collate "C" not null,
	ends timestamptz not null,
	name text collate "C" not null,
	n bigint not null,
	primary key (tenant, ends, name)
) with (fillfactor = 50);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('delivery', 1, 'tables', '4c48dd88edcef2597f67869614150872879157dd371ba2affe0aba3b2cfb0791');
