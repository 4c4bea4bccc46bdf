-- The tenant is another expression here than in the index of subjects: a plan that finds a subject through all entries of its
-- tenant must not exist.
drop index scrmkit.journal_entry_pos;
create index journal_entry_pos on scrmkit.journal_entry (('' || tenant), pos);

insert into scrmkit.scrmkit_migration (version, name, applied) values (10, '0010_journal', now());
