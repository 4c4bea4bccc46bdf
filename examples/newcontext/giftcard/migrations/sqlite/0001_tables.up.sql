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
	state text not null,
	primary key (tenant, card)
);

create table giftcard_payment (
	tenant text not null,
	card text not null,
	payment text not null,
	remains integer not null,
	primary key (tenant, card, payment)
);

insert into scrmkit_schema (context, version, name, checksum) values ('giftcard', 1, 'tables', '82331547fd6c27077b97dda2c2a0cb834ab854516b03fd35bdc6eea6da771770');
