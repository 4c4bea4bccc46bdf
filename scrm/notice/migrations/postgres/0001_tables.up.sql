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

create table scrmkit.notice_notice (
	tenant text collate "C" not null,
	member text collate "C" not null,
	name text collate "C" not null,
	version bigint not null,
	kind text not null,
	content bytea not null,
	from_time timestamptz,
	until_time timestamptz not null,
	state text not null,
	due timestamptz,
	tries bigint not null,
	changed timestamptz,
	platform_id text not null,
	reason text not null,
	primary key (tenant, member, name)
) with (fillfactor = 70);
create index notice_notice_due on scrmkit.notice_notice ((tenant || ''), due, member, name) where due is not null;
create index notice_notice_until on scrmkit.notice_notice ((tenant || ''), until_time, member, name);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('notice', 1, 'tables', 'b914dd7d24f7da23b154515e95359d804a446d549de369efbbe7591506329f11');
