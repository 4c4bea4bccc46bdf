-- +goose Up
create table if not exists scrmkit_schema (
	context text not null,
	version integer not null,
	name text not null,
	checksum text not null,
	applied integer not null default (unixepoch() * 1000000),
	primary key (context, version)
);

create table stamps_program (
	tenant text not null,
	program text not null,
	version integer not null,
	definition text not null,
	primary key (tenant, program, version)
);

create table stamps_card (
	tenant text not null,
	member text not null,
	program text not null,
	claim integer not null,
	version integer not null,
	nickname text not null,
	began integer not null,
	round integer not null,
	count integer not null,
	total integer not null,
	opened integer,
	expires integer,
	number integer not null,
	state text not null,
	primary key (tenant, member, program, claim)
);
create unique index stamps_card_number on stamps_card (tenant, program, number) where number > 0;
create index stamps_card_expires on stamps_card ((tenant || ''), expires, member, program, claim) where expires is not null;

create table stamps_record (
	tenant text not null,
	member text not null,
	program text not null,
	claim integer not null,
	seq integer not null,
	purpose text not null,
	n integer not null,
	cancelled integer not null,
	stands integer not null,
	cancels integer not null,
	coupon integer not null,
	peer text not null,
	at integer,
	shop text not null,
	actor text not null,
	via text not null,
	nickname text not null,
	nick_key text not null,
	purchase text not null,
	reason text not null,
	began integer not null,
	primary key (tenant, member, program, claim, seq)
);
create index stamps_record_shop on stamps_record ((tenant || ''), shop, at, member, program, claim, seq) where shop <> '';

create table stamps_coupon (
	tenant text not null,
	member text not null,
	program text not null,
	claim integer not null,
	n integer not null,
	reward text not null,
	name text not null,
	began integer not null,
	pos integer not null,
	state text not null,
	issued integer,
	expires integer,
	due integer,
	ended integer,
	shop text not null,
	actor text not null,
	nickname text not null,
	issuer text not null,
	primary key (tenant, member, program, claim, n)
);
create index stamps_coupon_due on stamps_coupon ((tenant || ''), due, member, program, claim, n) where due is not null;

insert into scrmkit_schema (context, version, name, checksum) values ('stamps', 1, 'tables', 'd159b2ad595d0ed22bd2e9ee456d6aa2a5acf36321b9b4ff504417ab912ac411');
