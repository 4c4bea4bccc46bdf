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

create table scrmkit.authenticator_subject (
	tenant text collate "C" not null,
	subject text collate "C" not null,
	version bigint not null,
	seq bigint not null,
	status text not null,
	primary key (tenant, subject)
) with (fillfactor = 50);

create table scrmkit.authenticator_secret (
	tenant text collate "C" not null,
	subject text collate "C" not null,
	use text collate "C" not null,
	key_id text collate "C" not null,
	sealed bytea not null,
	primary key (tenant, subject, use)
);
create index authenticator_secret_key on scrmkit.authenticator_secret ((tenant || ''), key_id, subject, use);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('authenticator', 1, 'tables', '708885ca2afa8c8f8798e71a2676353255447903f29fb32992ea1a85d7cc0cc9');
