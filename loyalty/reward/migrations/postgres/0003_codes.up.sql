-- +goose Up
create table scrmkit.reward_code (
	tenant text collate "C" not null,
	mac bytea not null,
	member text collate "C" not null,
	catalog text collate "C" not null,
	n bigint not null,
	proof bytea not null,
	primary key (tenant, mac)
);

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('reward', 3, 'codes', '2660ee2ec4134b51c5290022a3e6baed0cea980cb80938f145bb034dbe051243');
