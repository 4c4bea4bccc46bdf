-- +goose Up
-- Where the numbers of this server's transactions begin in the feed. They are compared with those of the server alone that
-- counts them: each start of one, and each other one that this database is moved to, begins beyond all that went before.
create table scrmkit.journal_epoch as select true as one, 0::bigint as base, pg_postmaster_start_time() as started;
alter table scrmkit.journal_epoch
	add primary key (one), add check (one), alter base set not null, alter started set not null;

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('journal', 2, 'epoch', '6937510c87fe08af1803e12db0e0f58647b6092f90e587352b3ae98e08eabd77');
