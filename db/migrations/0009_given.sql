-- What its uploader gives a video beside the file: captions and a poster. Both may come before it plays.

-- Texts are rows, not files: they are true with the request that brings them, and go with their video.
create table given_captions (
  video_id uuid not null references videos on delete cascade,
  -- BCP 47; und where it is not known
  language text not null check (language ~ '^[A-Za-z0-9-]{2,60}$'),
  -- WebVTT that we wrote; null where there are to be none, whatever the source has
  vtt text check (octet_length(vtt) <= 4000000),
  -- part of its address, so that what is kept under that is never old
  digest text generated always as (md5(vtt)) stored,
  given_at timestamptz not null default now(),
  primary key (video_id, language)
);

-- What the poster is to be, and what became of that.
create table given_posters (
  video_id uuid primary key references videos on delete cascade,
  -- Another one for each wish: a worker may be busy with the last.
  wish uuid not null,
  given_at timestamptz not null default now(),
  -- a moment of the video, or
  at_seconds double precision check (at_seconds >= 0),
  -- a picture as it came, until the poster is made of it
  image bytea check (octet_length(image) between 1 and 10485760),
  rendition_id uuid references renditions,
  placeholder text,
  error_code text,
  error_message text,
  constraint given_posters_is_one_thing check (num_nonnulls(at_seconds, image) <= 1),
  constraint given_posters_waits_for_something
    check (rendition_id is not null or error_code is not null or num_nonnulls(at_seconds, image) = 1),
  constraint given_posters_has_one_end check (num_nonnulls(rendition_id, error_code) <= 1),
  constraint given_posters_keeps_no_image
    check (image is null or (rendition_id is null and error_code is null)),
  constraint given_posters_failed_says_why check ((error_code is null) = (error_message is null))
);
create index given_posters_waiting on given_posters (video_id) where rendition_id is null and error_code is null;
create index given_posters_of_rendition on given_posters (rendition_id) where rendition_id is not null;

alter table attempts
  drop constraint attempts_kind_check,
  add constraint attempts_kind_check check (kind in ('first', 'ladder', 'rung', 'extra', 'poster'));

-- Who follows a video hears of these as well.
create function given_announce() returns trigger language plpgsql as $$
begin
  perform pg_notify('pgreel_video', case tg_op when 'DELETE' then old.video_id else new.video_id end::text);
  return null;
end $$;
create trigger given_captions_announce after insert or update or delete on given_captions
  for each row execute function given_announce();
create trigger given_posters_announce after insert or update or delete on given_posters
  for each row execute function given_announce();

-- Whatever is published later, by whomever: a poster that was given is part of it, and is the video's.
create function publications_have_given_poster() returns trigger language plpgsql as $$
begin
  insert into publication_renditions (publication_id, rendition_id)
  select new.id, rendition_id from given_posters
  where video_id = new.video_id and rendition_id is not null;
  return null;
end $$;
create trigger publications_have_given_poster after insert on publications
  for each row execute function publications_have_given_poster();

create function videos_show_given_poster() returns trigger language plpgsql as $$
declare
  given record;
begin
  select key, given_posters.placeholder into given
  from given_posters
  join renditions on renditions.id = given_posters.rendition_id
  join publication_renditions on publication_renditions.rendition_id = renditions.id
  where given_posters.video_id = new.id and publication_id = new.publication_id;
  if found then
    new.thumbnail := given.key;
    new.placeholder := given.placeholder;
  end if;
  return new;
end $$;
create trigger videos_show_given_poster before update of thumbnail, publication_id on videos
  for each row when (new.publication_id is not null) execute function videos_show_given_poster();
