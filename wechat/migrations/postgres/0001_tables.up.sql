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

create table scrmkit.wechat_token (
	tenant text collate "C" not null,
	app text collate "C" not null,
	version bigint not null,
	key_id text not null,
	sealed bytea not null,
	obtained timestamptz,
	expires timestamptz,
	owner text not null,
	lease timestamptz,
	bad bytea not null,
	forced timestamptz,
	forces bigint not null,
	primary key (tenant, app)
) with (fillfactor = 50);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('wechat', 1, 'tables', '12d44e6c944724cc46ccbc012edeaae331bd47e6d5ade491eb9a9719c9867eb7');
