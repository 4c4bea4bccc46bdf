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
	state text not null,
	primary key (tenant, card)
) with (fillfactor = 50);

create table scrmkit.giftcard_payment (
	tenant text collate "C" not null,
	card text collate "C" not null,
	payment text collate "C" not null,
	remains bigint not null,
	primary key (tenant, card, payment)
);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('giftcard', 1, 'tables', '7a84faf681345ca44c0f877344e968443d5c975ed6c4802532668ade35795319');
