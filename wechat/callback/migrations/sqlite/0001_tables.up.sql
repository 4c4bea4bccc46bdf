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
	receiver text not null,
	hash blob not null,
	at integer not null,
	primary key (tenant, receiver, hash)
);
create index callback_push_at on callback_push ((tenant || ''), at, receiver, hash);

insert into scrmkit_schema (context, version, name, checksum) values ('callback', 1, 'tables', 'e17df7a88b4f1f630df5d11c7296a10c0d7fa4b10bf62169b9caee5bdd1c0a37');
