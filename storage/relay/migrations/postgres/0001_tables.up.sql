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

create table scrmkit.relay_feed (
	tenant text collate "C" not null,
	name text collate "C" not null,
	version bigint not null,
	cursor text not null,
	holder text not null,
	until_time timestamptz,
	primary key (tenant, name)
) with (fillfactor = 50);

create table scrmkit.relay_line (
	tenant text collate "C" not null,
	name text collate "C" not null,
	subject text collate "C" not null,
	first_seq bigint not null,
	first_key text not null,
	last_seq bigint not null,
	last_key text not null,
	tries bigint not null,
	due timestamptz,
	fault text not null,
	primary key (tenant, name, subject)
);

create table scrmkit.relay_letter (
	tenant text collate "C" not null,
	name text collate "C" not null,
	subject text collate "C" not null,
	seq bigint not null,
	entry_key text collate "C" not null,
	tries bigint not null,
	died timestamptz,
	fault text not null,
	primary key (tenant, name, subject, seq, entry_key)
);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('relay', 1, 'tables', 'eb4a932d73d1e91df708868efa50426fae32cbef865f434fc0548e192d0ff2ba');
