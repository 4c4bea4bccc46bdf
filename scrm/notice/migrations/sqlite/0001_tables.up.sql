-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table notice_notice (
	tenant text not null,
	member text not null,
	name text not null,
	version integer not null,
	kind text not null,
	content blob not null,
	from_time integer,
	until_time integer not null,
	state text not null,
	due integer,
	tries integer not null,
	changed integer,
	platform_id text not null,
	reason text not null,
	primary key (tenant, member, name)
);
create index notice_notice_due on notice_notice ((tenant || ''), due, member, name) where due is not null;
create index notice_notice_until on notice_notice ((tenant || ''), until_time, member, name);

insert into scrmkit_schema (context, version, name, checksum) values ('notice', 1, 'tables', 'b8ae3ce186faa9a282edfc43d445ee3ea09e2947ac30cbf07a55356006f90e9e');
