-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table loyalty_program (
	tenant text not null,
	program text not null,
	version integer not null,
	definition text not null,
	primary key (tenant, program, version)
);

create table loyalty_account (
	tenant text not null,
	member text not null,
	program text not null,
	version integer not null,
	seq integer not null,
	hash blob not null,
	due integer,
	state text not null,
	primary key (tenant, member, program)
);
create index loyalty_account_program on loyalty_account ((tenant || ''), program, member);
create index loyalty_account_due on loyalty_account ((tenant || ''), due, member, program) where due is not null;

create table loyalty_booking (
	tenant text not null,
	member text not null,
	program text not null,
	key text not null,
	changes integer not null,
	state text not null,
	primary key (tenant, member, program, key)
);

insert into scrmkit_schema (context, version, name, checksum) values ('loyalty', 1, 'tables', '77d53f061f7fd9539c1bebf754ea761e5086e527349a9c936deadbe9f6249da8');
