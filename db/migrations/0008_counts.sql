-- What people see and say of a video: a placeholder for its poster, its hashtags, views and likes.

-- Hashtags as they are written in a text: without #, lower case, in their order, at most thirty. What a
-- word is made of must not depend on the server's locale: beyond ASCII it is whatever is no space or mark.
create function tags_of(written text) returns text[]
language sql immutable strict parallel safe
return (
  select coalesce(array_agg(tag order by place), '{}')
  from (
    select tag, min(place) as place
    from (
      select lower(match[1]) as tag, place
      from regexp_matches(
        normalize(written, nfc),
        '(?<![\w&/#])#([a-zA-Z0-9_\u00aa\u00b5\u00ba\u00c0-\u1fff\u200c\u200d\u2c00-\u2dff\u3005-\ufdff\ufe70-\ufefe\uff10-\uffdc\U00010000-\U0010ffff]+)', 'g'
      ) with ordinality as matches (match, place)
    ) as found
    where char_length(tag) <= 50 and tag !~ '^[0-9_]+$'
    group by tag
    order by min(place)
    limit 30
  ) as kept
);

alter table videos
  -- A data: URI of the poster in a few pixels: pages have it in their HTML.
  add column placeholder text
    check (char_length(placeholder) <= 1000 and placeholder like 'data:image/%'),
  add constraint videos_placeholder_is_of_a_poster check (placeholder is null or thumbnail is not null),
  add column tags text[] not null generated always as (tags_of(title || ' ' || description)) stored;
create index videos_tags on videos using gin (tags)
  where playable_at is not null and visibility = 'public' and deleted_at is null;

-- Beside the video, not in it: each change of a video is told to everyone who follows it.
create table video_counts (
  video_id uuid primary key references videos on delete cascade,
  views bigint not null default 0 check (views >= 0),
  likes bigint not null default 0 check (likes >= 0),
  -- playable_at of a video that the feed may show; else null
  listed_at timestamptz,
  -- How popular, as a number that time leaves alone: ten times the votes are worth a day, a like is
  -- worth ten views. The logarithm makes the first votes count most.
  score float8 generated always as (
    log((1 + views + 10 * likes)::float8) + date_part('epoch', listed_at at time zone 'UTC') / 86400
  ) stored
);
create index video_counts_popular on video_counts (score desc, video_id desc) where listed_at is not null;

insert into video_counts (video_id, listed_at)
select id, case when visibility = 'public' and deleted_at is null then playable_at end from videos;

create function videos_list() returns trigger language plpgsql as $$
declare
  listed timestamptz := case when new.visibility = 'public' and new.deleted_at is null then new.playable_at end;
begin
  if tg_op = 'INSERT' then
    insert into video_counts (video_id, listed_at) values (new.id, listed);
  else
    update video_counts set listed_at = listed where video_id = new.id and listed_at is distinct from listed;
  end if;
  return null;
end $$;
create trigger videos_list after insert or update of playable_at, visibility, deleted_at on videos
  for each row execute function videos_list();

-- Who likes what. A viewer is a browser, by a random id that its cookie holds.
create table likes (
  video_id uuid not null references videos on delete cascade,
  viewer uuid not null,
  at timestamptz not null default now(),
  primary key (video_id, viewer)
);

-- By statement: a video that a million like is removed in one, too.
create function likes_count() returns trigger language plpgsql as $$
begin
  update video_counts
  set likes = likes + case tg_op when 'INSERT' then changed.count else -changed.count end
  from (select video_id, count(*) from changed_likes group by video_id) as changed
  where video_counts.video_id = changed.video_id;
  return null;
end $$;
create trigger likes_count_more after insert on likes referencing new table as changed_likes
  for each statement execute function likes_count();
create trigger likes_count_less after delete on likes referencing old table as changed_likes
  for each statement execute function likes_count();

-- Who has been counted as a viewer of what in the last half hour; older rows are swept.
create table views (
  video_id uuid not null references videos on delete cascade,
  viewer uuid not null,
  at timestamptz not null default now(),
  primary key (video_id, viewer)
);
create index views_at on views (at);

-- What viewers' cookies are signed with: nobody makes up viewers of their own.
alter table installation
  add column viewer_secret text not null default replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
