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

create table scrmkit.activation_code (
	tenant text collate "C" not null,
	code text collate "C" not null,
	version bigint not null,
	off text not null,
	created timestamptz not null,
	due timestamptz,
	pool text collate "C" not null,
	department text not null,
	state text not null,
	primary key (tenant, code)
) with (fillfactor = 70);
create index activation_code_created on scrmkit.activation_code ((tenant || ''), created, code);
create index activation_code_due on scrmkit.activation_code ((tenant || ''), due, code) where due is not null;
create index activation_code_pool on scrmkit.activation_code ((tenant || ''), pool, due, code) where pool <> '';

create table scrmkit.activation_secret (
	tenant text collate "C" not null,
	code text collate "C" not null,
	state text not null,
	primary key (tenant, code)
);

create table scrmkit.activation_port (
	tenant text collate "C" not null,
	code text collate "C" not null,
	n bigint not null,
	platform text not null,
	account text collate "C" not null,
	at text collate "C" not null,
	bare bigint not null,
	state text not null,
	primary key (tenant, code, n)
);
create index activation_port_bare on scrmkit.activation_port ((tenant || ''), code, bare, n) where bare > 0;
create index activation_port_listed on scrmkit.activation_port ((tenant || ''), code, n) where at in ('unlinked', 'pending', 'linked', 'loggedOut', 'banned');
create index activation_port_account on scrmkit.activation_port ((tenant || ''), account, code, n) where at in ('unlinked', 'pending', 'linked', 'loggedOut', 'banned');

create table scrmkit.activation_claim (
	tenant text collate "C" not null,
	account text collate "C" not null,
	platform text collate "C" not null,
	version bigint not null,
	code text not null,
	n bigint not null,
	periods text not null,
	primary key (tenant, account, platform)
);

create table scrmkit.activation_pool (
	tenant text collate "C" not null,
	pool text collate "C" not null,
	version bigint not null,
	state text not null,
	primary key (tenant, pool)
);

create table scrmkit.activation_free (
	tenant text collate "C" not null,
	pool text collate "C" not null,
	n bigint not null,
	primary key (tenant, pool)
) with (fillfactor = 50);

create table scrmkit.activation_device (
	tenant text collate "C" not null,
	device text collate "C" not null,
	version bigint not null,
	removed timestamptz,
	state text not null,
	primary key (tenant, device)
);
create index activation_device_present on scrmkit.activation_device ((tenant || ''), device) where removed is null;

create table scrmkit.activation_invitation (
	tenant text collate "C" not null,
	hash bytea not null,
	version bigint not null,
	state text not null,
	primary key (tenant, hash)
);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('activation', 1, 'tables', '99194246e04159bdf5fa8eaeaed6091feda43131d7a0434197909a5f80686766');
