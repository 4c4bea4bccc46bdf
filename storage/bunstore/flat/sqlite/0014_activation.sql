-- The rest of a code, which alone is read for who guesses it.
create table activation_secret (
	tenant text not null,
	code   text not null,
	state  text not null,
	primary key (tenant, code)
);
insert into activation_secret (tenant, code, state) select tenant, code, secret from activation_code where secret <> '';

drop index activation_code_pool;
alter table activation_code drop column secret;
alter table activation_code drop column expires;
update activation_code set pool = '' where due is null;
create index activation_code_pool on activation_code ((tenant || ''), pool, due, code) where pool <> '';

-- What a port is, is in its state; bare is the session of one that is closed when that ends.
drop index activation_port_listed;
drop index activation_port_account;
drop index activation_port_session;
update activation_port set state = json_set(state, '$.state', 'closed') where at = 'closed';
alter table activation_port rename column session to bare;
update activation_port set bare = 0 where account <> '' or at not in ('unlinked', 'pending');
create index activation_port_listed on activation_port ((tenant || ''), code, n)
	where at in ('unlinked', 'pending', 'linked', 'loggedOut', 'banned');
create index activation_port_account on activation_port ((tenant || ''), account, code, n)
	where at in ('unlinked', 'pending', 'linked', 'loggedOut', 'banned');
create index activation_port_bare on activation_port ((tenant || ''), code, bare, n) where bare > 0;

update activation_claim set periods = '[]' where periods = '';
create index activation_device_present on activation_device ((tenant || ''), device) where removed is null;

insert into scrmkit_migration (version, name, applied) values (14, '0014_activation', cast(strftime('%s', 'now') as integer) * 1000000);
