-- Finding videos by words, also by such as are written wrong. Both extensions are trusted: whoever owns the
-- database may create them.
create extension if not exists unaccent with schema public;
create extension if not exists pg_trgm with schema public;

-- Without capitals and accents, as people type. unaccent calls itself stable, as its rules can be edited;
-- ours are those that come with Postgres.
create function folded(written text) returns text
language sql immutable strict parallel safe
return lower(public.unaccent('public.unaccent'::regdictionary, written));

alter table videos add column search tsvector not null generated always as (
  to_tsvector('simple'::regconfig, folded(title || ' ' || description))
) stored;
create index videos_search on videos using gin (search)
  where playable_at is not null and visibility = 'public' and deleted_at is null;
-- Of a long description its beginning: each candidate is compared as a whole.
create index videos_similar on videos using gin (folded(title || ' ' || left(description, 300)) gin_trgm_ops)
  where playable_at is not null and visibility = 'public' and deleted_at is null;
