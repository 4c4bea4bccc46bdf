update scrmkit.lead_contact set merged = 'null' where merged = '';
update scrmkit.lead_contact set names = 'null' where names = '';
alter table scrmkit.lead_contact drop column library;

drop index scrmkit.lead_lead_at;
create index lead_lead_at on scrmkit.lead_lead ((tenant || ''), code, platform, at, id, namespace, n);

alter table scrmkit.lead_library alter column since drop not null;

insert into scrmkit.scrmkit_migration (version, name, applied) values (16, '0016_leads', now());
