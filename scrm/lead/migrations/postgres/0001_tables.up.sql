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

create table scrmkit.lead_job (
	tenant text collate "C" not null,
	code text collate "C" not null,
	platform text collate "C" not null,
	version bigint not null,
	state text not null,
	primary key (tenant, code, platform)
);

create table scrmkit.lead_owner (
	tenant text collate "C" not null,
	owner text collate "C" not null,
	version bigint not null,
	state text not null,
	primary key (tenant, owner)
);

create table scrmkit.lead_contact (
	tenant text collate "C" not null,
	id text collate "C" not null,
	platform text collate "C" not null,
	namespace text collate "C" not null,
	version bigint not null,
	name text not null,
	seq bigint not null,
	merged text not null,
	names text not null,
	primary key (tenant, id, platform, namespace)
) with (fillfactor = 90);

create table scrmkit.lead_lead (
	tenant text collate "C" not null,
	id text collate "C" not null,
	platform text collate "C" not null,
	namespace text collate "C" not null,
	n bigint not null,
	code text collate "C" not null,
	at timestamptz not null,
	verdict text not null,
	state text not null,
	primary key (tenant, id, platform, namespace, n)
) with (fillfactor = 90);
create index lead_lead_at on scrmkit.lead_lead ((tenant || ''), code, platform, at, id, namespace, n);

create table scrmkit.lead_count (
	tenant text collate "C" not null,
	code text collate "C" not null,
	platform text collate "C" not null,
	day bigint not null,
	account text collate "C" not null,
	new bigint not null,
	duplicate bigint not null,
	uncertain bigint not null,
	excluded bigint not null,
	contacts bigint not null,
	pairs bigint not null,
	primary key (tenant, code, platform, day, account)
) with (fillfactor = 50);

create table scrmkit.lead_library (
	tenant text collate "C" not null,
	id text collate "C" not null,
	platform text collate "C" not null,
	namespace text collate "C" not null,
	since timestamptz,
	source text not null,
	row bigint not null,
	met bigint not null,
	primary key (tenant, id, platform, namespace)
);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('lead', 1, 'tables', '86f16e0657575261d074d8a62b3687def39b6f018fd9ce034d9547cb52f6dabc');
