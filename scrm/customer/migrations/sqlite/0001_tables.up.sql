-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table customer_customer (
	tenant text not null,
	member text not null,
	version integer not null,
	erase_by integer,
	key_id text not null,
	sealed blob not null,
	state text not null,
	primary key (tenant, member)
);
create index customer_customer_due on customer_customer ((tenant || ''), erase_by, member) where erase_by is not null;
create index customer_customer_key on customer_customer ((tenant || ''), key_id, member);

create table customer_identity (
	tenant text not null,
	hash blob not null,
	member text not null,
	platform text not null,
	namespace text not null,
	key_id text not null,
	sealed blob not null,
	way text not null,
	at integer,
	primary key (tenant, hash)
);
create index customer_identity_member on customer_identity ((tenant || ''), member, hash);
create index customer_identity_namespace on customer_identity ((tenant || ''), platform, namespace, hash);

create table customer_consent (
	tenant text not null,
	member text not null,
	n integer not null,
	consent text not null,
	primary key (tenant, member, n)
);

create table customer_fields (
	tenant text not null,
	program text not null,
	version integer not null,
	definition text not null,
	primary key (tenant, program, version)
);

insert into scrmkit_schema (context, version, name, checksum) values ('customer', 1, 'tables', '05c94fad5cc0eebf02c2677731712f71e63b7b7cd5ed1b2b1926cc86ad661491');
