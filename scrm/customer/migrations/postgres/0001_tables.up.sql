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

create table scrmkit.customer_customer (
	tenant text collate "C" not null,
	member text collate "C" not null,
	version bigint not null,
	erase_by timestamptz,
	key_id text collate "C" not null,
	sealed bytea not null,
	state text not null,
	primary key (tenant, member)
) with (fillfactor = 80);
create index customer_customer_due on scrmkit.customer_customer ((tenant || ''), erase_by, member) where erase_by is not null;
create index customer_customer_key on scrmkit.customer_customer ((tenant || ''), key_id, member);

create table scrmkit.customer_identity (
	tenant text collate "C" not null,
	hash bytea not null,
	member text collate "C" not null,
	platform text collate "C" not null,
	namespace text collate "C" not null,
	key_id text not null,
	sealed bytea not null,
	way text not null,
	at timestamptz,
	primary key (tenant, hash)
);
create index customer_identity_member on scrmkit.customer_identity ((tenant || ''), member, hash);
create index customer_identity_namespace on scrmkit.customer_identity ((tenant || ''), platform, namespace, hash);

create table scrmkit.customer_consent (
	tenant text collate "C" not null,
	member text collate "C" not null,
	n bigint not null,
	consent text not null,
	primary key (tenant, member, n)
);

create table scrmkit.customer_fields (
	tenant text collate "C" not null,
	program text collate "C" not null,
	version bigint not null,
	definition text not null,
	primary key (tenant, program, version)
);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('customer', 1, 'tables', 'ec49dfbd43735b7b8df99b3e9669fb4ab2ffb8e3113b9818525bf1e661499cf2');
