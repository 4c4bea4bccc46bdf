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

create table scrmkit.shop_shop (
	tenant text collate "C" not null,
	shop text collate "C" not null,
	version bigint not null,
	name text not null,
	address text not null,
	zone text not null,
	begins timestamptz,
	ends timestamptz,
	slots bigint not null,
	primary key (tenant, shop)
);

create table scrmkit.shop_manager (
	tenant text collate "C" not null,
	identity text collate "C" not null,
	version bigint not null,
	shop text collate "C" not null,
	slot bigint not null,
	name text not null,
	bound timestamptz,
	primary key (tenant, identity)
);
create unique index shop_manager_slot on scrmkit.shop_manager (tenant, shop, slot) where shop <> '';
create index shop_manager_shop on scrmkit.shop_manager ((tenant || ''), shop, slot, identity) where shop <> '';

create table scrmkit.shop_stamp (
	tenant text collate "C" not null,
	serial text collate "C" not null,
	version bigint not null,
	shop text collate "C" not null,
	bound timestamptz,
	named text not null,
	ref text not null,
	unsigned bigint not null,
	primary key (tenant, serial)
);
create index shop_stamp_shop on scrmkit.shop_stamp ((tenant || ''), shop, serial) where shop <> '';

create table scrmkit.shop_invitation (
	tenant text collate "C" not null,
	hash bytea not null,
	version bigint not null,
	shop text collate "C" not null,
	actor text not null,
	expires timestamptz,
	ended timestamptz,
	used_by text not null,
	primary key (tenant, hash)
);
create index shop_invitation_open on scrmkit.shop_invitation ((tenant || ''), shop, expires, hash) where ended is null;

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('shop', 1, 'tables', 'feaccf04993e168a3362e7eb99037923aabc0a80a82af5495529d02be3615d67');
