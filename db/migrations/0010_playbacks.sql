-- How playing went, as players tell it: one row for each time that somebody watched. Nobody is named in it.
create table playbacks (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  video_id uuid not null references videos on delete cascade,
  -- From the wish to play to a drawn frame; null when none came.
  first_frame_ms integer check (first_frame_ms between 0 and 600000),
  stalls integer not null check (stalls between 0 and 10000),
  stalled_ms integer not null check (stalled_ms between 0 and 86400000),
  watched_ms integer not null check (watched_ms between 0 and 86400000),
  -- The short side of what was shown last.
  height integer check (height between 1 and 10000),
  error_code text check (error_code ~ '^[a-z0-9_]{1,40}$'),
  -- What the browser takes its network for.
  connection text check (connection in ('slow-2g', '2g', '3g', '4g'))
);
create index playbacks_at on playbacks (at);
create index playbacks_of_video on playbacks (video_id);
