-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table relay_feed (
	tenant text not null,
	name text not null,
	version integer not null,
	cursor text not null,
	holder text not null,
	until_time integer,
	primary key (tenant, name)
);

create table relay_line (
	tenant text not null,
	name text not null,
	subject text not null,
	first_seq integer not null,
	first_key text not null,
	last_seq integer not null,
	last_key text not null,
	tries integer not null,
	due integer,
	fault text not null,
	primary key (tenant, name, subject)
);

create table relay_letter (
	tenant text not null,
	name text not null,
	subject text not null,
	seq integer not null,
	entry_key text not null,
	tries integer not null,
	died integer,
	fault text not null,
	primary key (tenant, name, subject, seq, entry_key)
);

insert into scrmkit_schema (context, version, name, checksum) values ('relay', 1, 'tables', '18eda6debe061683c02fce487c8c4931e6f65305883daf535f49096b48bb3042');
