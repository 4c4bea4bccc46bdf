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

create table scrmkit.miniprogram_session (
	tenant text collate "C" not null,
	app text collate "C" not null,
	openid text collate "C" not null,
	at timestamptz not null,
	key_id text not null,
	sealed bytea not null,
	primary key (tenant, app, openid)
) with (fillfactor = 80);
create index miniprogram_session_at on scrmkit.miniprogram_session ((tenant || ''), at, app, openid);

create table scrmkit.miniprogram_phone (
	tenant text collate "C" not null,
	hash bytea not null,
	at timestamptz not null,
	key_id text not null,
	sealed bytea not null,
	primary key (tenant, hash)
);
create index miniprogram_phone_at on scrmkit.miniprogram_phone ((tenant || ''), at, hash);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('miniprogram', 1, 'tables', '09ac418713414c0dac7da930511f44de35927e38dadcecec569c050321e05e61');
