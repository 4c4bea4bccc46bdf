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

create table scrmkit.loyalty_program (
	tenant text collate "C" not null,
	program text collate "C" not null,
	version bigint not null,
	definition text not null,
	primary key (tenant, program, version)
);

create table scrmkit.loyalty_account (
	tenant text collate "C" not null,
	member text collate "C" not null,
	program text collate "C" not null,
	version bigint not null,
	seq bigint not null,
	hash bytea not null,
	due timestamptz,
	state text not null,
	primary key (tenant, member, program)
) with (fillfactor = 70);
create index loyalty_account_program on scrmkit.loyalty_account ((tenant || ''), program, member);
create index loyalty_account_due on scrmkit.loyalty_account ((tenant || ''), due, member, program) where due is not null;

create table scrmkit.loyalty_booking (
	tenant text collate "C" not null,
	member text collate "C" not null,
	program text collate "C" not null,
	key text collate "C" not null,
	changes bigint not null,
	state text not null,
	primary key (tenant, member, program, key)
);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('loyalty', 1, 'tables', '2407bf771b2fb1f3ee426bd08c1c1990fad59b21ced34676beb19c26ff45dc88');
