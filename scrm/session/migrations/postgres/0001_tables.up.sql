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

create table scrmkit.session_subject (
	tenant text collate "C" not null,
	subject text collate "C" not null,
	realm text collate "C" not null,
	version bigint not null,
	seq bigint not null,
	primary key (tenant, subject, realm)
);

create table scrmkit.session_session (
	tenant text collate "C" not null,
	hash bytea not null,
	version bigint not null,
	subject text collate "C" not null,
	realm text collate "C" not null,
	number bigint not null,
	way text not null,
	device text not null,
	started timestamptz,
	seen timestamptz not null,
	ended timestamptz,
	primary key (tenant, hash)
);
create index session_session_open on scrmkit.session_session ((tenant || ''), subject, realm, number, hash) where ended is null;
create index session_session_seen on scrmkit.session_session ((tenant || ''), realm, seen, hash);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('session', 1, 'tables', 'af8b958ad9adbdc299790ea85605dcc6d4e6afa4fee296544fc9fb88edb5a73d');
