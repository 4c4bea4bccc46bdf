update lead_contact set merged = 'null' where merged = '';
update lead_contact set names = 'null' where names = '';
alter table lead_contact drop column library;

drop index lead_lead_at;
create index lead_lead_at on lead_lead ((tenant || ''), code, platform, at, id, namespace, n);

create table lead_library_next (
	tenant    text not null,
	platform  text not null,
	namespace text not null,
	id        text not null,
	since     integer,
	source    text not null,
	row       integer not null,
	met       integer not null,
	primary key (tenant, id, platform, namespace)
);
insert into lead_library_next (tenant, platform, namespace, id, since, source, row, met)
	select tenant, platform, namespace, id, since, source, row, met from lead_library;
drop table lead_library;
alter table lead_library_next rename to lead_library;

insert into scrmkit_migration (version, name, applied) values (16, '0016_leads', cast(strftime('%s', 'now') as integer) * 1000000);
