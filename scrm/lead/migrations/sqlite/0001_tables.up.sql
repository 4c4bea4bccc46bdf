-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table lead_job (
	tenant text not null,
	code text not null,
	platform text not null,
	version integer not null,
	state text not null,
	primary key (tenant, code, platform)
);

create table lead_owner (
	tenant text not null,
	owner text not null,
	version integer not null,
	state text not null,
	primary key (tenant, owner)
);

create table lead_contact (
	tenant text not null,
	id text not null,
	platform text not null,
	namespace text not null,
	version integer not null,
	name text not null,
	seq integer not null,
	merged text not null,
	names text not null,
	primary key (tenant, id, platform, namespace)
);

create table lead_lead (
	tenant text not null,
	id text not null,
	platform text not null,
	namespace text not null,
	n integer not null,
	code text not null,
	at integer not null,
	verdict text not null,
	state text not null,
	primary key (tenant, id, platform, namespace, n)
);
create index lead_lead_at on lead_lead ((tenant || ''), code, platform, at, id, namespace, n);

create table lead_count (
	tenant text not null,
	code text not null,
	platform text not null,
	day integer not null,
	account text not null,
	new integer not null,
	duplicate integer not null,
	uncertain integer not null,
	excluded integer not null,
	contacts integer not null,
	pairs integer not null,
	primary key (tenant, code, platform, day, account)
);

create table lead_library (
	tenant text not null,
	id text not null,
	platform text not null,
	namespace text not null,
	since integer,
	source text not null,
	row integer not null,
	met integer not null,
	primary key (tenant, id, platform, namespace)
);

insert into scrmkit_schema (context, version, name, checksum) values ('lead', 1, 'tables', '9ca5ea2b8d55f007a471bd78ef088efaab85e911ae1718f1007669b5e668ae8f');
