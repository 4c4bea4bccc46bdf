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

create table scrmkit.subscription_consent (
	tenant text collate "C" not null,
	openid text collate "C" not null,
	app text collate "C" not null,
	template text collate "C" not null,
	version bigint not null,
	state text not null,
	primary key (tenant, openid, app, template)
) with (fillfactor = 50);

create table scrmkit.subscription_message (
	tenant text collate "C" not null,
	openid text collate "C" not null,
	app text collate "C" not null,
	template text collate "C" not null,
	message text collate "C" not null,
	at timestamptz,
	msgid text not null,
	status text not null,
	code text not null,
	held timestamptz,
	done timestamptz,
	primary key (tenant, openid, app, template, message)
);
create index subscription_message_held on scrmkit.subscription_message ((tenant || ''), app, held, openid, template, message) where held is not null;
create index subscription_message_done on scrmkit.subscription_message ((tenant || ''), app, done, openid, template, message) where done is not null;

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('subscription', 1, 'tables', '0e92c349953c9e1a5699c03390597e24023eadf2c55ed294ecfaa1fc8c1a3874');
