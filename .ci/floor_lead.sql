-- One insert with a unique key: what the plainest intake of a lead writes. :n is drawn anew for each.
insert into scrmkit.lead_contact (tenant, id, platform, namespace, version, name, seq, merged, names)
values ('floor', '86138' || :n || '-' || :client_id, 'whatsapp', '', 1, 'RWXQJ3YB2M6ZKTC5D7VLHNPEAS', 1, '', '')
on conflict do nothing
