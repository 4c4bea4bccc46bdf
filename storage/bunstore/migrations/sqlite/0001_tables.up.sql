-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table journal_entry (
	tenant text not null,
	subject text not null,
	key text not null,
	seq integer not null,
	kind text not null,
	at integer,
	actor text not null,
	input blob not null,
	before text not null,
	result text not null,
	pos integer not null
);
create unique index journal_entry_key on journal_entry (tenant, subject, key) where key <> '';
-- The others are on expressions, and the tenant is another one in each, so that no plan can find a key through all entries of
-- its tenant or subject, or a subject through those of its tenant: to a planner without statistics of a tenant such a plan
-- looks as good as the unique one.
create index journal_entry_seq on journal_entry ((tenant || ''), (subject || ''), seq);
create index journal_entry_pos on journal_entry (('' || tenant), pos);

insert into scrmkit_schema (context, version, name, checksum) values ('journal', 1, 'tables', '65217cc3c45c79fce79c86f207e2508ea48a82c569807d4c438e77c498090a9d');
