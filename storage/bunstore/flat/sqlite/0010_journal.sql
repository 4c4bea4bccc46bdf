-- The tenant is another expression here than in the index of subjects: a plan that finds a subject through all entries of its
-- tenant must not exist.
drop index journal_entry_pos;
create index journal_entry_pos on journal_entry (('' || tenant), pos);

insert into scrmkit_migration (version, name, applied) values (10, '0010_journal', cast(strftime('%s', 'now') as integer) * 1000000);
