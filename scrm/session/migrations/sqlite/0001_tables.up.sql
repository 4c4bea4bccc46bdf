-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table session_subject (
	tenant text not null,
	subject text not null,
	realm text not null,
	version integer not null,
	seq integer not null,
	primary key (tenant, subject, realm)
);

create table session_session (
	tenant text not null,
	hash blob not null,
	version integer not null,
	subject text not null,
	realm text not null,
	number integer not null,
	way text not null,
	device text not null,
	started integer,
	seen integer not null,
	ended integer,
	primary key (tenant, hash)
);
create index session_session_open on session_session ((tenant || ''), subject, realm, number, hash) where ended is null;
create index session_session_seen on session_session ((tenant || ''), realm, seen, hash);

insert into scrmkit_schema (context, version, name, checksum) values ('session', 1, 'tables', '9dc005ca57646ed5cbae04cb24b79ae8cb645cdbe1d5e784a435ec11238e7844');
