alter table scrmkit.stamps_record add column began bigint not null default 0;

alter table scrmkit.stamps_coupon add column issuer text collate "C" not null default '';

alter table scrmkit.shop_stamp
	add column named text collate "C" not null default '',
	add column ref text not null default '',
	add column unsigned bigint not null default 0;

-- Serials have one form. Of several that differ in case alone none but the one in that form is bound.
update scrmkit.shop_stamp as s set serial = upper(serial)
where serial <> upper(serial)
	and (select count(*) from scrmkit.shop_stamp o where o.tenant = s.tenant and upper(o.serial) = upper(s.serial)) = 1;
update scrmkit.shop_stamp set shop = '' where serial <> upper(serial);

create index shop_invitation_open on scrmkit.shop_invitation (tenant, shop) where ended is null;

insert into scrmkit.scrmkit_migration (version, name, applied) values (3, '0003_stamps', now());
