-- Messages are found by the id that their vendor has of them.
create index delivery_message_vendor on delivery_message ((tenant || ''), vendor_id, ref) where vendor_id <> '';

insert into scrmkit_schema (context, version, name, checksum) values ('delivery', 2, 'vendor', '8fe628643a9cbb7327c4be1645cee0b1fc33e76487b6dddb460713838def4ecd');
