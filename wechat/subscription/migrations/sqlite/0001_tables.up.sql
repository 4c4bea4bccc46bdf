-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table subscription_consent (
	tenant text not null,
	openid text not null,
	app text not null,
	template text not null,
	version integer not null,
	state text not null,
	primary key (tenant, openid, app, template)
);

create table subscription_message (
	tenant text not null,
	openid text not null,
	app text not null,
	template text not null,
	message text not null,
	at integer,
	msgid text not null,
	status text not null,
	code text not null,
	held integer,
	done integer,
	primary key (tenant, openid, app, template, message)
);
create index subscription_message_held on subscription_message ((tenant || ''), app, held, openid, template, message) where held is not null;
create index subscription_message_done on subscription_message ((tenant || ''), app, done, openid, template, message) where done is not null;

insert into scrmkit_schema (context, version, name, checksum) values ('subscription', 1, 'tables', '8470cc5ec1e4b5410588e7f6284136644cfff93cd34abc734d0daf25e3bd8af1');
