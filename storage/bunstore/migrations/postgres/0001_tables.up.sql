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

create table scrmkit.journal_entry (
	tenant text collate "C" not null,
	subject text collate "C" not null,
	key text collate "C" not null,
	seq bigint not null,
	kind text not null,
	at timestamptz,
	actor text not null,
	input bytea not null,
	before text not null,
	result text not null,
	pos bigint not null default pg_current_xact_id()::text::bigint
);
create unique index journal_entry_key on scrmkit.journal_entry (tenant, subject, key) where key <> '';
-- The others are on expressions, and the tenant is another one in each, so that no plan can find a key through all entries of
-- its tenant or subject, or a subject through those of its tenant: to a planner without statistics of a tenant such a plan
-- looks as good as the unique one.
create index journal_entry_seq on scrmkit.journal_entry ((tenant || ''), (subject || ''), seq);
create index journal_entry_pos on scrmkit.journal_entry (('' || tenant), pos);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('journal', 1, 'tables', '2e13e038aab57a0e857be481fed6f9bac31d4613e752450ffde77b1df2608cdc');
