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

create table scrmkit.giftcard_card (
	tenant text collate "C" not null,
	card text collate "C" not null,
	version bigint not null,
	ends timestamptz,
	state text not null,
	primary key (tenant, card)
) with (fillfactor = 50);
create index giftcard_card_ends on scrmkit.giftcard_card ((tenant || ''), ends, card) where ends is not null;

create table scrmkit.giftcard_payment (
	tenant text collate "C" not null,
	card text collate "C" not null,
	payment text collate "C" not null,
	taken bigint not null,
	refunded bigint not null,
	primary key (tenant, card, payment)
);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('giftcard', 1, 'tables', '7ecf40577f27af19bf847c7f15d4bcff8df07a229e00e5b44ba06ff6a4343019');
