-- The rest of a code, which alone is read for who guesses it.
create table scrmkit.activation_secret (
	tenant text collate "C" not null,
	code   text collate "C" not null,
	state  text not null,
	primary key (tenant, code)
);
insert into scrmkit.activation_secret (tenant, code, state) select tenant, code, secret from scrmkit.activation_code where secret <> '';

drop index scrmkit.activation_code_pool;
alter table scrmkit.activation_code drop column secret;
alter table scrmkit.activation_code drop column expires;
update scrmkit.activation_code set pool = '' where due is null;
create index activation_code_pool on scrmkit.activation_code ((tenant || ''), pool, due, code) where pool <> '';

-- What a port is, is in its state; bare is the session of one that is closed when that ends.
drop index scrmkit.activation_port_listed;
drop index scrmkit.activation_port_account;
drop index scrmkit.activation_port_session;
update scrmkit.activation_port set state = jsonb_set(state::jsonb, '{state}', '"closed"')::text where at = 'closed';
alter table scrmkit.activation_port rename column session to bare;
update scrmkit.activation_port set bare = 0 where account <> '' or at not in ('unlinked', 'pending');
create index activation_port_listed on scrmkit.activation_port ((tenant || ''), code, n)
	where at in ('unlinked', 'pending', 'linked', 'loggedOut', 'banned');
create index activation_port_account on scrmkit.activation_port ((tenant || ''), account, code, n)
	where at in ('unlinked', 'pending', 'linked', 'loggedOut', 'banned');
create index activation_port_bare on scrmkit.activation_port ((tenant || ''), code, bare, n) where bare > 0;

update scrmkit.activation_claim set periods = '[]' where periods = '';
create index activation_device_present on scrmkit.activation_device ((tenant || ''), device) where removed is null;

insert into scrmkit.scrmkit_migration (version, name, applied) values (14, '0014_activation', now());
