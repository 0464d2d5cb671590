-- The data model. What must always hold is said here, in constraints and triggers; the code may
-- forget, the database does not. Times are now(); order is never taken from an id.

create table videos (
  id uuid primary key,
  owner_id uuid,
  visibility text not null default 'public' check (visibility in ('public', 'unlisted', 'private')),
  title text not null check (char_length(title) between 1 and 200),
  description text not null default '' check (char_length(description) <= 5000),
  status text not null default 'uploading'
    check (status in ('uploading', 'queued', 'processing', 'ready', 'failed', 'cancelled')),
  stage text not null default 'uploading',
  progress real not null default 0 check (progress between 0 and 1),
  eta_seconds integer check (eta_seconds >= 0),
  source_key text not null,
  source_bytes bigint not null check (source_bytes >= 0),
  facts jsonb,
  duration_ms integer check (duration_ms > 0),
  width integer check (width > 0),
  height integer check (height > 0),
  publication_id uuid,
  thumbnail text,
  url_hls text,
  url_mp4 text,
  playable_at timestamptz,
  ready_at timestamptz,
  error_code text,
  error_message text,
  deleted_at timestamptz,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  constraint videos_ready_is_published
    check (status <> 'ready' or (publication_id is not null and ready_at is not null)),
  constraint videos_failed_says_why
    check (status <> 'failed'
      or (error_code is not null and error_message is not null and publication_id is null)),
  constraint videos_playable_is_published
    check ((publication_id is null) = (playable_at is null)),
  constraint videos_published_has_address
    check ((publication_id is null) = (url_hls is null))
);

-- The feed: newest playable public videos, keyset on (playable_at, id).
create index videos_feed on videos (playable_at desc, id desc)
  where playable_at is not null and visibility = 'public' and deleted_at is null;
create index videos_unfinished on videos (created_at) where status in ('uploading', 'queued', 'processing');
create index videos_deleted on videos (deleted_at) where deleted_at is not null;

-- One row per tus upload: what @tus/server would keep in a sidecar file.
create table uploads (
  video_id uuid primary key references videos on delete cascade,
  length bigint not null check (length >= 0),
  received bigint not null default 0,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now(),
  last_byte_at timestamptz not null default now(),
  expires_at timestamptz not null,
  finished_at timestamptz,
  lease_until timestamptz,
  constraint uploads_received_within_length check (received between 0 and length),
  constraint uploads_finished_is_whole check (finished_at is null or received = length)
);
create index uploads_unfinished on uploads (expires_at) where finished_at is null;

create table workers (
  id uuid primary key,
  host text not null,
  pid integer not null,
  slots integer not null check (slots > 0),
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now()
);

-- One try of one kind of work on one video. The token is part of every storage key it writes.
create table attempts (
  token uuid primary key,
  video_id uuid not null references videos on delete cascade,
  kind text not null check (kind in ('first', 'ladder', 'rung', 'extra')),
  params text not null default '',
  recipe text not null,
  worker_id uuid not null,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  outcome text not null default 'running'
    check (outcome in ('running', 'won', 'lost', 'failed', 'crashed', 'cancelled', 'handed_back')),
  cause text check (cause in ('video', 'world', 'ours')),
  error_code text,
  error_message text,
  bytes_expected bigint,
  swept_at timestamptz,
  constraint attempts_end_is_dated check ((outcome = 'running') = (ended_at is null))
);
create unique index attempts_one_running on attempts (video_id, kind, params) where outcome = 'running';
create index attempts_of_video on attempts (video_id, started_at);
-- What may still have files to remove: everything that ended without winning.
create index attempts_unswept on attempts (ended_at)
  where swept_at is null and outcome not in ('running', 'won');

create table renditions (
  id uuid primary key,
  video_id uuid not null references videos on delete cascade,
  token uuid not null references attempts,
  kind text not null check (kind in ('video', 'audio', 'mp4', 'poster')),
  width integer,
  height integer,
  fps real,
  codecs text,
  peak_bps integer,
  average_bps integer,
  key text not null unique,
  bytes bigint not null check (bytes >= 0),
  segments jsonb not null default '[]',
  complete boolean not null default true,
  state text not null default 'ready' check (state in ('ready', 'failed')),
  error_code text,
  created_at timestamptz not null default now()
);
create index renditions_of_video on renditions (video_id);

create table publications (
  id uuid primary key,
  video_id uuid not null references videos on delete cascade,
  seq integer not null check (seq > 0),
  master_key text,
  created_at timestamptz not null default now(),
  superseded_at timestamptz,
  swept_at timestamptz,
  unique (video_id, seq),
  unique (id, video_id)
);
create unique index publications_one_current on publications (video_id) where superseded_at is null;

create table publication_renditions (
  publication_id uuid not null references publications on delete cascade,
  rendition_id uuid not null references renditions on delete cascade,
  primary key (publication_id, rendition_id)
);
create index publication_renditions_of_rendition on publication_renditions (rendition_id);

-- A video plays from a publication of its own.
alter table videos add constraint videos_publication
  foreign key (publication_id, id) references publications (id, video_id);

-- What happened to a video, in order: server-sent events replay from here.
create table events (
  id bigint generated always as identity primary key,
  video_id uuid not null references videos on delete cascade,
  token uuid,
  at timestamptz not null default now(),
  stage text not null,
  detail jsonb not null default '{}'
);
create index events_of_video on events (video_id, id);

-- One row that every process compares with the storage it sees.
create table installation (
  only_row boolean primary key default true check (only_row),
  storage_id uuid not null
);

create function videos_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.status <> 'uploading' then
      raise exception 'a video starts as uploading, not %', new.status
        using errcode = 'check_violation', constraint = 'videos_legal_transition';
    end if;
  else
    if new.status <> old.status and not (
      (old.status = 'uploading' and new.status in ('queued', 'failed', 'cancelled')) or
      (old.status = 'queued' and new.status in ('processing', 'failed', 'cancelled')) or
      (old.status = 'processing' and new.status in ('queued', 'ready', 'failed', 'cancelled')) or
      (old.status in ('failed', 'cancelled') and new.status = 'queued')
    ) then
      raise exception 'a video cannot go from % to %', old.status, new.status
        using errcode = 'check_violation', constraint = 'videos_legal_transition';
    end if;
    if old.deleted_at is not null and (new.deleted_at is null
        or (new.status <> old.status and new.status <> 'cancelled')
        or new.publication_id is distinct from old.publication_id) then
      raise exception 'video % is deleted', old.id
        using errcode = 'check_violation', constraint = 'videos_deleted_is_final';
    end if;
    new.version := old.version + 1;
  end if;
  return new;
end $$;
create trigger videos_guard before insert or update on videos
  for each row execute function videos_guard();

-- Each status or stage becomes an event; each change wakes the listeners (ids only: NOTIFY takes a
-- lock at commit).
create function videos_announce() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' or new.status <> old.status or new.stage <> old.stage then
    insert into events (video_id, stage, detail)
    values (new.id, new.stage, jsonb_build_object('status', new.status));
  end if;
  perform pg_notify('pgreel_video', new.id::text);
  return null;
end $$;
create trigger videos_announce after insert or update on videos
  for each row execute function videos_announce();
