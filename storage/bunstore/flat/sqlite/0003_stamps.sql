alter table stamps_record add column began integer not null default 0;

alter table stamps_coupon add column issuer text not null default '';

alter table shop_stamp add column named text not null default '';
alter table shop_stamp add column ref text not null default '';
alter table shop_stamp add column unsigned integer not null default 0;

-- Serials have one form. Of several that differ in case alone none but the one in that form is bound.
update shop_stamp as s set serial = upper(serial)
where serial <> upper(serial)
	and (select count(*) from shop_stamp o where o.tenant = s.tenant and upper(o.serial) = upper(s.serial)) = 1;
update shop_stamp set shop = '' where serial <> upper(serial);

create index shop_invitation_open on shop_invitation (tenant, shop) where ended is null;

insert into scrmkit_migration (version, name, applied) values (3, '0003_stamps', cast(strftime('%s', 'now') as integer) * 1000000);
