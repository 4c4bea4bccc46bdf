-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table miniprogram_session (
	tenant text not null,
	openid text not null,
	app text not null,
	at integer not null,
	key_id text not null,
	sealed blob not null,
	primary key (tenant, openid, app)
);
create index miniprogram_session_at on miniprogram_session ((tenant || ''), at, openid, app);

create table miniprogram_phone (
	tenant text not null,
	hash blob not null,
	at integer not null,
	key_id text not null,
	sealed blob not null,
	primary key (tenant, hash)
);
create index miniprogram_phone_at on miniprogram_phone ((tenant || ''), at, hash);

insert into scrmkit_schema (context, version, name, checksum) values ('miniprogram', 1, 'tables', '0f62c362f5c8803c890af15d416aed203a52206c037c310e30aa5a61565df1ab');
