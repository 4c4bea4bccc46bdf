-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table wechat_token (
	tenant text not null,
	app text not null,
	version integer not null,
	key_id text not null,
	sealed blob not null,
	obtained integer,
	expires integer,
	owner text not null,
	lease integer,
	bad blob not null,
	forced integer,
	forces integer not null,
	primary key (tenant, app)
);

insert into scrmkit_schema (context, version, name, checksum) values ('wechat', 1, 'tables', 'f8472fc50fa71d99d780d4ab99377047226077361fa789f26f7256ae4b7ae539');
