-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table authenticator_subject (
	tenant text not null,
	subject text not null,
	version integer not null,
	seq integer not null,
	status text not null,
	primary key (tenant, subject)
);

create table authenticator_secret (
	tenant text not null,
	subject text not null,
	use text not null,
	key_id text not null,
	sealed blob not null,
	primary key (tenant, subject, use)
);
create index authenticator_secret_key on authenticator_secret ((tenant || ''), key_id, subject, use);

insert into scrmkit_schema (context, version, name, checksum) values ('authenticator', 1, 'tables', 'a485e9a231e7623e528883d3a805982cdb5098c0fc3c65ef835796859319673d');
