-- Files without an owner are removed when they were made in this database's time: an older file may be
-- what another database left here, and is a person's to judge.
alter table installation add column created_at timestamptz not null default now();
update installation set created_at = least(now(), (select min(created_at) from videos));
