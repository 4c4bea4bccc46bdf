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

create table scrmkit.otp_scope (
	tenant text collate "C" not null,
	scope text collate "C" not null,
	version bigint not null,
	issued bigint not null,
	debt timestamptz,
	seq bigint not null,
	primary key (tenant, scope)
) with (fillfactor = 50);

create table scrmkit.otp_meter (
	tenant text collate "C" not null,
	scope text collate "C" not null,
	kind text collate "C" not null,
	party text collate "C" not null,
	debt timestamptz,
	misses bigint not null,
	idle timestamptz,
	primary key (tenant, scope, kind, party)
) with (fillfactor = 80);
create index otp_meter_idle on scrmkit.otp_meter ((tenant || ''), idle, scope, kind, party) where idle is not null;

create table scrmkit.otp_code (
	tenant text collate "C" not null,
	scope text collate "C" not null,
	mac bytea not null,
	version bigint not null,
	number bigint not null,
	key_id text not null,
	digits bigint not null,
	sealed bytea not null,
	holder text collate "C" not null,
	purpose text collate "C" not null,
	payload bytea not null,
	issued timestamptz,
	expires timestamptz,
	reusable timestamptz,
	ended text collate "C" not null,
	ended_at timestamptz,
	ended_by text not null,
	id bytea not null,
	primary key (tenant, scope, mac)
);
create index otp_code_holder on scrmkit.otp_code ((tenant || ''), scope, holder, purpose, expires, mac) where ended in ('');
create index otp_code_live on scrmkit.otp_code ((tenant || ''), scope, digits, expires, mac) where ended in ('');
create index otp_code_reusable on scrmkit.otp_code ((tenant || ''), reusable, scope, mac) where reusable is not null;

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('otp', 1, 'tables', '8b4ce078e278e47f1ec8e71049a8da64877e3784472abfc278ca78a6f789019e');
