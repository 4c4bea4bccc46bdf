-- +goose Up
create view scrmkit.report_card as
select k.tenant, k.member, k.program, case when k.expires <= now() then 0 else k.count end as stamps, k.round as rounds, k.total,
	k.began as version, k.opened as opened_at, case when k.expires > now() then k.expires end as expires_at
from scrmkit.stamps_card k
where k.claim = 0;
comment on view scrmkit.report_card is 'The stamp card of a member, as it stands now';
comment on column scrmkit.report_card.stamps is 'stamps of the round, without those that have lapsed';
comment on column scrmkit.report_card.rounds is 'rounds completed';
comment on column scrmkit.report_card.total is 'stamps that stand, lapsed ones included';
comment on column scrmkit.report_card.version is 'version of the program that the round began with';
comment on column scrmkit.report_card.expires_at is 'when the stamps of the round lapse; null: never, as far as is known';

create view scrmkit.report_coupon as
select c.tenant, c.member, c.program, c.claim, c.n as number, c.reward, c.name, case when c.due <= now() then 'lapsed' else c.state end as state,
	c.began as version, c.issued as issued_at, c.expires as expires_at, case when c.due <= now() then c.due else c.ended end as ended_at,
	nullif(c.issuer, '') as issued_shop, nullif(c.shop, '') as redeemed_shop, nullif(c.actor, '') as ended_by
from scrmkit.stamps_coupon c;
comment on view scrmkit.report_coupon is 'A coupon, of a stamp card or handed out, as it stands now';
comment on column scrmkit.report_coupon.claim is '0: it is of the stamp card; n: the n-th that the member was handed out';
comment on column scrmkit.report_coupon.number is 'among the coupons of the card or the claim, from 1';
comment on column scrmkit.report_coupon.state is 'issued, redeemed, voided or lapsed';
comment on column scrmkit.report_coupon.version is 'version of the program that it was issued by';
comment on column scrmkit.report_coupon.expires_at is 'first instant at which it can no longer be redeemed; null: it has no end';
comment on column scrmkit.report_coupon.ended_at is 'when it was redeemed or voided, or lapsed; null: it may be redeemed';
comment on column scrmkit.report_coupon.ended_by is 'who redeemed or voided it';

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('stamps', 2, 'views', 'b49a872cde6c1b79f3b18e0a0b83f7f1aa843623df961521bbb26c2e4b9f4856');
