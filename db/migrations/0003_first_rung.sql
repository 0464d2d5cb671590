-- A video plays while its first rung grows: it has a publication before it has an address in the storage.

alter table videos
  drop constraint videos_published_has_address,
  add constraint videos_address_is_published check (url_hls is null or publication_id is not null),
  add constraint videos_ready_has_address check (status <> 'ready' or url_hls is not null),
  -- What is cancelled is begun anew, not gone on with.
  add constraint videos_cancelled_plays_nothing check (status <> 'cancelled' or publication_id is null);

alter table renditions
  -- A growing list says from its first segment on how long the longest may be (whole seconds).
  add column target_seconds integer check (target_seconds > 0),
  add constraint renditions_growing_has_target check (complete or target_seconds is not null),
  add constraint renditions_failed_says_why check (state <> 'failed' or error_code is not null);

-- Publications that nothing new is played from: what only they name may go some hours later.
create index publications_unswept on publications (superseded_at)
  where superseded_at is not null and swept_at is null;
