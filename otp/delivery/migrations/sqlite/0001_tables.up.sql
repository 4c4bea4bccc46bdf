-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table delivery_recipient (
	tenant text not null,
	hash blob not null,
	version integer not null,
	seq integer not null,
	state text not null,
	idle integer,
	primary key (tenant, hash)
);
create index delivery_recipient_idle on delivery_recipient ((tenant || ''), idle, hash) where idle is not null;

create table delivery_message (
	tenant text not null,
	ref text not null,
	version integer not null,
	state text not null,
	due integer,
	tries integer not null,
	recipient blob not null,
	channel text not null,
	purpose text not null,
	template text not null,
	language text not null,
	made integer,
	expires integer not null,
	changed integer,
	vendor_id text not null,
	reason text not null,
	key_id text not null,
	sealed blob not null,
	primary key (tenant, ref)
);
create index delivery_message_due on delivery_message ((tenant || ''), due, ref) where due is not null;
create index delivery_message_expires on delivery_message ((tenant || ''), expires, ref);

create table delivery_count (
	tenant text not null,
	ends integer not null,
	name text not null,
	n integer not null,
	primary key (tenant, ends, name)
);

insert into scrmkit_schema (context, version, name, checksum) values ('delivery', 1, 'tables', '5a3aefd510fe324c7bfe9a312f3ddcb108dd8829f55f573a9e3e4144d34ea8e5');
