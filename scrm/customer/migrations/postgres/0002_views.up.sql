-- +goose Up
create view scrmkit.report_customer as
select c.tenant, c.member, d.created as created_at, c.erase_by, d.erased as erased_at, p.language
from scrmkit.customer_customer c
cross join lateral jsonb_to_record(c.state::jsonb) as d(created timestamptz, preferences jsonb, erased timestamptz)
cross join lateral jsonb_to_record(d.preferences) as p(language text)
where c.state not like '{"$format":%';
comment on view scrmkit.report_customer is 'A customer, without what is personal: the profile and the identities are encrypted. Customers that a newer release wrote in a newer format are left out';
comment on column scrmkit.report_customer.member is 'the member in points, cards and rewards';
comment on column scrmkit.report_customer.erase_by is 'until when the customer is to be erased; null: nobody asked for it';
comment on column scrmkit.report_customer.language is 'that the customer prefers, as BCP 47 has it; null: not told';

create view scrmkit.report_consent as
select c.tenant, c.member, k.purpose, k.channel, k.kind, k.given, k.version, k.way, k.time as said_at
from scrmkit.customer_customer c
cross join lateral jsonb_to_record(c.state::jsonb) as d(consents jsonb[])
cross join lateral unnest(d.consents) as e(consent)
cross join lateral jsonb_to_record(e.consent)
	as k(purpose text, channel text, kind text, given boolean, version text, way text, time timestamptz)
where c.state not like '{"$format":%';
comment on view scrmkit.report_consent is 'The last word of a customer on a use of their data, for each kind of consent. Whether a use is allowed is for Customer.May to say';
comment on column scrmkit.report_consent.channel is 'by which way the data is used; null: by every';
comment on column scrmkit.report_consent.kind is 'plain, separate, guardian or guidance';
comment on column scrmkit.report_consent.given is 'false: withdrawn, or refused';
comment on column scrmkit.report_consent.version is 'of the text that was shown';
comment on column scrmkit.report_consent.way is 'how it was said';

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('customer', 2, 'views', '53881f47479c82da951621edc9684f00e7fef75e4377136ce8a3b21965acb263');
