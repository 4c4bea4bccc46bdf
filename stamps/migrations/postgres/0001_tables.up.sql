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

create table scrmkit.stamps_program (
	tenant text collate "C" not null,
	program text collate "C" not null,
	version bigint not null,
	definition text not null,
	primary key (tenant, program, version)
);

create table scrmkit.stamps_card (
	tenant text collate "C" not null,
	member text collate "C" not null,
	program text collate "C" not null,
	claim bigint not null,
	version bigint not null,
	nickname text not null,
	began bigint not null,
	round bigint not null,
	count bigint not null,
	total bigint not null,
	opened timestamptz,
	expires timestamptz,
	number bigint not null,
	state text not null,
	primary key (tenant, member, program, claim)
) with (fillfactor = 80);
create unique index stamps_card_number on scrmkit.stamps_card (tenant, program, number) where number > 0;
create index stamps_card_expires on scrmkit.stamps_card ((tenant || ''), expires, member, program, claim) where expires is not null;

create table scrmkit.stamps_record (
	tenant text collate "C" not null,
	member text collate "C" not null,
	program text collate "C" not null,
	claim bigint not null,
	seq bigint not null,
	purpose text not null,
	n bigint not null,
	cancelled bigint not null,
	stands bigint not null,
	cancels bigint not null,
	coupon bigint not null,
	peer text not null,
	at timestamptz,
	shop text collate "C" not null,
	actor text not null,
	via text not null,
	nickname text not null,
	nick_key text not null,
	purchase text not null,
	reason text not null,
	began bigint not null,
	primary key (tenant, member, program, claim, seq)
);
create index stamps_record_shop on scrmkit.stamps_record ((tenant || ''), shop, at, member, program, claim, seq) where shop <> '';

create table scrmkit.stamps_coupon (
	tenant text collate "C" not null,
	member text collate "C" not null,
	program text collate "C" not null,
	claim bigint not null,
	n bigint not null,
	reward text not null,
	name text not null,
	began bigint not null,
	pos bigint not null,
	state text not null,
	issued timestamptz,
	expires timestamptz,
	due timestamptz,
	ended timestamptz,
	shop text not null,
	actor text not null,
	nickname text not null,
	issuer text not null,
	primary key (tenant, member, program, claim, n)
);
create index stamps_coupon_due on scrmkit.stamps_coupon ((tenant || ''), due, member, program, claim, n) where due is not null;

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('stamps', 1, 'tables', '648310405cf9fd44241ae26303e19dc7d6fb8edbaf633c8b1181b3e95c5bdd7f');
