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
	app text not null,
	openid text not null,
	at integer not null,
	key_id text not null,
	sealed blob not null,
	primary key (tenant, app, openid)
);
create index miniprogram_session_at on miniprogram_session ((tenant || ''), at, app, openid);

create table miniprogram_phone (
	tenant text not null,
	hash blob not null,
	at integer not null,
	key_id text not null,
	sealed blob not null,
	primary key (tenant, hash)
);
create index miniprogram_phone_at on miniprogram_phone ((tenant || ''), at, hash);

insert into scrmkit_schema (context, version, name, checksum) values ('miniprogram', 1, 'tables', '8036aa7e8e46eb332c5c9158678486592b74003add4967cdafd8ac94907c65ef');
