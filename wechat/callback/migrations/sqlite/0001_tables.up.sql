-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table callback_push (
	tenant text not null,
	hash blob not null,
	receiver text not null,
	at integer not null,
	primary key (tenant, hash, receiver)
);
create index callback_push_at on callback_push ((tenant || ''), at, hash, receiver);

insert into scrmkit_schema (context, version, name, checksum) values ('callback', 1, 'tables', '62e9139edc7d2d38167134c1b706011c5e9061abf516735e0bab01166d23a3d3');
