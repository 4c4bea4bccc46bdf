-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table otp_scope (
	tenant text not null,
	scope text not null,
	version integer not null,
	issued integer not null,
	debt integer,
	seq integer not null,
	primary key (tenant, scope)
);

create table otp_meter (
	tenant text not null,
	scope text not null,
	kind text not null,
	party text not null,
	debt integer,
	misses integer not null,
	idle integer,
	primary key (tenant, scope, kind, party)
);
create index otp_meter_idle on otp_meter ((tenant || ''), idle, scope, kind, party) where idle is not null;

create table otp_code (
	tenant text not null,
	scope text not null,
	mac blob not null,
	version integer not null,
	number integer not null,
	key_id text not null,
	digits integer not null,
	sealed blob not null,
	holder text not null,
	purpose text not null,
	payload blob not null,
	issued integer,
	expires integer,
	reusable integer,
	ended text not null,
	ended_at integer,
	ended_by text not null,
	id blob not null,
	primary key (tenant, scope, mac)
);
create index otp_code_holder on otp_code ((tenant || ''), scope, holder, purpose, expires, mac) where ended in ('');
create index otp_code_live on otp_code ((tenant || ''), scope, digits, expires, mac) where ended in ('');
create index otp_code_reusable on otp_code ((tenant || ''), reusable, scope, mac) where reusable is not null;

insert into scrmkit_schema (context, version, name, checksum) values ('otp', 1, 'tables', '86862b71b96dd2065cda37b7d89711353f13a227191da643163d3b5703058767');
