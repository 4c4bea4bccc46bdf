-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table giftcard_card (
	tenant text not null,
	card text not null,
	version integer not null,
	ends integer,
	state text not null,
	primary key (tenant, card)
);
create index giftcard_card_ends on giftcard_card ((tenant || ''), ends, card) where ends is not null;

create table giftcard_payment (
	tenant text not null,
	card text not null,
	payment text not null,
	taken integer not null,
	refunded integer not null,
	primary key (tenant, card, payment)
);

insert into scrmkit_schema (context, version, name, checksum) values ('giftcard', 1, 'tables', 'fa7deb182f92c040562603f0ec0de5e6cd954575a0c1d3e0ae5f8f9dbd5f94a6');
