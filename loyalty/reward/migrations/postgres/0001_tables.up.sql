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

create table scrmkit.reward_catalog (
	tenant text collate "C" not null,
	program text collate "C" not null,
	version bigint not null,
	definition text not null,
	primary key (tenant, program, version)
);

create table scrmkit.reward_holder (
	tenant text collate "C" not null,
	member text collate "C" not null,
	catalog text collate "C" not null,
	version bigint not null,
	seq bigint not null,
	last bigint not null,
	state text not null,
	primary key (tenant, member, catalog)
) with (fillfactor = 80);

create table scrmkit.reward_voucher (
	tenant text collate "C" not null,
	member text collate "C" not null,
	catalog text collate "C" not null,
	n bigint not null,
	reward text not null,
	status text collate "C" not null,
	due timestamptz,
	mac bytea not null,
	state text not null,
	primary key (tenant, member, catalog, n)
);
create index reward_voucher_catalog on scrmkit.reward_voucher ((tenant || ''), catalog, member, n);
create unique index reward_voucher_mac on scrmkit.reward_voucher (tenant, mac) where length(mac) > 0;
create index reward_voucher_reserved on scrmkit.reward_voucher ((tenant || ''), member, catalog, n) where status in ('reserved');
create index reward_voucher_due on scrmkit.reward_voucher ((tenant || ''), due, member, catalog, n) where due is not null;

create table scrmkit.reward_count (
	tenant text collate "C" not null,
	catalog text collate "C" not null,
	reward text collate "C" not null,
	period text collate "C" not null,
	n bigint not null,
	primary key (tenant, catalog, reward, period)
) with (fillfactor = 50);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('reward', 1, 'tables', 'b721bb9793bc3f7842662ca45b75757063c015f6692e47670484a612149829e9');
