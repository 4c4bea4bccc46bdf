-- +goose Up
create view report_lead_day as
select tenant, code, platform, account, day, new, duplicate, uncertain, excluded, contacts, pairs
from lead_count
where day >= 0 and (new, duplicate, uncertain, excluded) <> (0, 0, 0, 0);

create view report_lead_job as
select j.tenant, j.code, j.platform, j.state ->> '$.owner' as owner, j.state ->> '$.name' as name,
	coalesce(j.state ->> '$.targets.day', 0) as day_target, coalesce(j.state ->> '$.targets.total', 0) as total_target,
	coalesce(sum(c.new), 0) as new, coalesce(sum(c.duplicate), 0) as duplicate, coalesce(sum(c.uncertain), 0) as uncertain,
	coalesce(sum(c.excluded), 0) as excluded, coalesce(sum(c.contacts), 0) as contacts, coalesce(sum(c.pairs), 0) as pairs
from lead_job j
left join lead_count c on c.tenant = j.tenant and c.code = j.code and c.platform = j.platform and c.day = -1
where j.state not like '{"$format":%'
group by j.tenant, j.code, j.platform;

insert into scrmkit_schema (context, version, name, checksum) values ('lead', 2, 'views', 'f0d101247b57da3867b18ca4bb5a5a803863c12c76d7a17d96cc60a29b453053');
