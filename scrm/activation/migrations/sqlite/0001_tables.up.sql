-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table activation_code (
	tenant text not null,
	code text not null,
	version integer not null,
	off text not null,
	created integer not null,
	due integer,
	pool text not null,
	department text not null,
	state text not null,
	primary key (tenant, code)
);
create index activation_code_created on activation_code ((tenant || ''), created, code);
create index activation_code_due on activation_code ((tenant || ''), due, code) where due is not null;
create index activation_code_pool on activation_code ((tenant || ''), pool, due, code) where pool <> '';

create table activation_secret (
	tenant text not null,
	code text not null,
	state text not null,
	primary key (tenant, code)
);

create table activation_port (
	tenant text not null,
	code text not null,
	n integer not null,
	platform text not null,
	account text not null,
	at text not null,
	bare integer not null,
	state text not null,
	primary key (tenant, code, n)
);
create index activation_port_bare on activation_port ((tenant || ''), code, bare, n) where bare > 0;
create index activation_port_listed on activation_port ((tenant || ''), code, n) where at in ('unlinked', 'pending', 'linked', 'loggedOut', 'banned');
create index activation_port_account on activation_port ((tenant || ''), account, code, n) where at in ('unlinked', 'pending', 'linked', 'loggedOut', 'banned');

create table activation_claim (
	tenant text not null,
	account text not null,
	platform text not null,
	version integer not null,
	code text not null,
	n integer not null,
	periods text not null,
	primary key (tenant, account, platform)
);

create table activation_pool (
	tenant text not null,
	pool text not null,
	version integer not null,
	state text not null,
	primary key (tenant, pool)
);

create table activation_free (
	tenant text not null,
	pool text not null,
	n integer not null,
	primary key (tenant, pool)
);

create table activation_device (
	tenant text not null,
	device text not null,
	version integer not null,
	removed integer,
	state text not null,
	primary key (tenant, device)
);
create index activation_device_present on activation_device ((tenant || ''), device) where removed is null;

create table activation_invitation (
	tenant text not null,
	hash blob not null,
	version integer not null,
	state text not null,
	primary key (tenant, hash)
);

insert into scrmkit_schema (context, version, name, checksum) values ('activation', 1, 'tables', '3520eff5e1bbc4a55dce522b2aed0c3b5071773c48fe741265fe91975931b3fd');
