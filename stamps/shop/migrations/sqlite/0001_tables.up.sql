-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table shop_shop (
	tenant text not null,
	shop text not null,
	version integer not null,
	name text not null,
	address text not null,
	zone text not null,
	begins integer,
	ends integer,
	slots integer not null,
	primary key (tenant, shop)
);

create table shop_manager (
	tenant text not null,
	identity text not null,
	version integer not null,
	shop text not null,
	slot integer not null,
	name text not null,
	bound integer,
	primary key (tenant, identity)
);
create unique index shop_manager_slot on shop_manager (tenant, shop, slot) where shop <> '';
create index shop_manager_shop on shop_manager ((tenant || ''), shop, slot, identity) where shop <> '';

create table shop_stamp (
	tenant text not null,
	serial text not null,
	version integer not null,
	shop text not null,
	bound integer,
	named text not null,
	ref text not null,
	unsigned integer not null,
	primary key (tenant, serial)
);
create index shop_stamp_shop on shop_stamp ((tenant || ''), shop, serial) where shop <> '';

create table shop_invitation (
	tenant text not null,
	hash blob not null,
	version integer not null,
	shop text not null,
	actor text not null,
	expires integer,
	ended integer,
	used_by text not null,
	primary key (tenant, hash)
);
create index shop_invitation_open on shop_invitation ((tenant || ''), shop, expires, hash) where ended is null;

insert into scrmkit_schema (context, version, name, checksum) values ('shop', 1, 'tables', '7205065ebabcf49705fa0d1b5677b65adf35b7236ddcacade4ef2e98046469ee');
