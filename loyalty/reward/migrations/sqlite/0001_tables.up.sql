-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table reward_catalog (
	tenant text not null,
	program text not null,
	version integer not null,
	definition text not null,
	primary key (tenant, program, version)
);

create table reward_holder (
	tenant text not null,
	member text not null,
	catalog text not null,
	version integer not null,
	seq integer not null,
	last integer not null,
	state text not null,
	primary key (tenant, member, catalog)
);

create table reward_voucher (
	tenant text not null,
	member text not null,
	catalog text not null,
	n integer not null,
	reward text not null,
	status text not null,
	due integer,
	mac blob not null,
	state text not null,
	primary key (tenant, member, catalog, n)
);
create index reward_voucher_catalog on reward_voucher ((tenant || ''), catalog, member, n);
create unique index reward_voucher_mac on reward_voucher (tenant, mac) where length(mac) > 0;
create index reward_voucher_reserved on reward_voucher ((tenant || ''), member, catalog, n) where status in ('reserved');
create index reward_voucher_due on reward_voucher ((tenant || ''), due, member, catalog, n) where due is not null;

create table reward_count (
	tenant text not null,
	catalog text not null,
	reward text not null,
	period text not null,
	n integer not null,
	primary key (tenant, catalog, reward, period)
);

insert into scrmkit_schema (context, version, name, checksum) values ('reward', 1, 'tables', 'a815be503d0a83fdac5b77ddd4de003187f31a691fba52090c115d23d260e5ab');
