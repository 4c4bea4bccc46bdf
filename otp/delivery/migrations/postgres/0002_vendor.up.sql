-- Messages are found by the id that their vendor has of them.
alter table scrmkit.delivery_message alter column vendor_id type text collate "C";
create index delivery_message_vendor on scrmkit.delivery_message ((tenant || ''), vendor_id, ref) where vendor_id <> '';

insert into scrmkit.scrmkit_schema (context, version, name, checksum) values ('delivery', 2, 'vendor', 'f24409c5fe1b062427653069da1c32b678e3b1d4d651dac7239c8c6841c2a484');
