-- +goose Up
create table reward_code (
	tenant text not null,
	mac blob not null,
	member text not null,
	catalog text not null,
	n integer not null,
	proof blob not null,
	primary key (tenant, mac)
);

insert into scrmkit_schema (context, version, name, checksum) values ('reward', 3, 'codes', 'c767394d8e32d711a7efddc758310fe659b3fbcc1d11a6d2f19044265eba370d');
