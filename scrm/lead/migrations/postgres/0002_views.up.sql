-- +goose Up
create view scrmkit.report_lead_day as
select c.tenant, c.code, c.platform, c.account, timestamptz 'epoch' + c.day * interval '1 microsecond' as day,
	c.new, c.duplicate, c.uncertain, c.excluded, c.contacts, c.pairs
from scrmkit.lead_count c
where c.day >= 0 and (c.new, c.duplicate, c.uncertain, c.excluded) <> (0, 0, 0, 0);
comment on view scrmkit.report_lead_day is 'What an account of a code counted on a day. Late events change days that have passed';
comment on column scrmkit.report_lead_day.account is 'account of the operator that the contacts wrote to';
comment on column scrmkit.report_lead_day.day is 'when the day began, by the zone and the reset time of the job, or by hand';
comment on column scrmkit.report_lead_day.new is 'leads that nobody in the scope had before';
comment on column scrmkit.report_lead_day.duplicate is 'leads that came after another one in the scope';
comment on column scrmkit.report_lead_day.uncertain is 'leads that are new, or from before the account was watched';
comment on column scrmkit.report_lead_day.excluded is 'leads that do not count';
comment on column scrmkit.report_lead_day.contacts is 'each contact once in a job';
comment on column scrmkit.report_lead_day.pairs is 'each contact once with every account of a job';

create view scrmkit.report_lead_job as
select j.tenant, j.code, j.platform, d.owner, d.name, coalesce(t.day, 0) as day_target, coalesce(t.total, 0) as total_target,
	s.new, s.duplicate, s.uncertain, s.excluded, s.contacts, s.pairs
from scrmkit.lead_job j
cross join lateral jsonb_to_record(j.state::jsonb) as d(owner text, name text, targets jsonb)
cross join lateral jsonb_to_record(d.targets) as t(day bigint, total bigint)
cross join lateral (
	select coalesce(sum(c.new), 0)::bigint as new, coalesce(sum(c.duplicate), 0)::bigint as duplicate,
		coalesce(sum(c.uncertain), 0)::bigint as uncertain, coalesce(sum(c.excluded), 0)::bigint as excluded,
		coalesce(sum(c.contacts), 0)::bigint as contacts, coalesce(sum(c.pairs), 0)::bigint as pairs
	from scrmkit.lead_count c
	where c.tenant = j.tenant and c.code = j.code and c.platform = j.platform and c.day = -1
) s
where j.state not like '{"$format":%';
comment on view scrmkit.report_lead_job is 'What the job of a code on a platform has counted since it was opened';
comment on column scrmkit.report_lead_job.owner is 'whose job it is';
comment on column scrmkit.report_lead_job.day_target is 'leads that are wanted a day; 0: no number';
comment on column scrmkit.report_lead_job.total_target is 'leads that are wanted altogether; 0: no number';

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('lead', 2, 'views', '833c9bb89d66ec079e92dadc47707b0b79f7278496652a31d49b1afd961aa272');
