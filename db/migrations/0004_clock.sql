-- An honest clock: each milestone on a video's way is a row of events, and what is still to do can be
-- told in seconds.

alter table videos
  -- What its ladder has to do, in megapixels; null before the probe.
  add column work real check (work >= 0),
  -- When its ladder last said how far it is; null before the first time.
  add column progress_at timestamptz,
  -- Told from all that waits and runs, at the moment when somebody asks.
  drop column eta_seconds;

-- How long ladders take here: the latest ones.
create index attempts_won_ladders on attempts (ended_at)
  where kind = 'ladder' and outcome = 'won';

-- Beside each step of stage or status, as before: what is true from this statement on.
create or replace function videos_announce() returns trigger language plpgsql as $$
begin
  insert into events (video_id, stage)
  select new.id, stage
  from (values
    ('probed', old.facts is null and new.facts is not null),
    -- By its ladder, where it had no first rung: else playable is its stage.
    ('playable', old.playable_at is null and new.playable_at is not null and new.stage <> 'playable'),
    ('encoded', old.stage <> 'verifying' and new.stage = 'verifying'),
    ('verified', old.stage <> 'publishing' and new.stage = 'publishing')
  ) as milestones (stage, is_reached)
  where is_reached;
  if tg_op = 'INSERT' or new.status <> old.status or new.stage <> old.stage then
    insert into events (video_id, stage, detail)
    values (new.id, new.stage, jsonb_build_object('status', new.status));
  end if;
  perform pg_notify('pgreel_video', new.id::text);
  return null;
end $$;
