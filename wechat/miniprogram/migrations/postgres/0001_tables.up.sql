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
	openid text collate "C" not null,
	app text collate "C" not null,
	at timestamptz not null,
	key_id text not null,
	sealed bytea not null,
	primary key (tenant, openid, app)
) with (fillfactor = 80);
create index miniprogram_session_at on scrmkit.miniprogram_session ((tenant || ''), at, openid, app);

create table scrmkit.miniprogram_phone (
	tenant text collate "C" not null,
	hash bytea not null,
	at timestamptz not null,
	key_id text not null,
	sealed bytea not null,
	primary key (tenant, hash)
);
create index miniprogram_phone_at on scrmkit.miniprogram_phone ((tenant || ''), at, hash);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('miniprogram', 1, 'tables', '0496f7bdb29930a6c4efa1ac71f544f64f6b07e3c429aa8972a9ab9d62c84ba4');
