-- Preview and storyboard of a published video, and sources that need not be kept for ever.

alter table videos
  add column url_preview text,
  add column url_storyboard text,
  add column source_removed_at timestamptz,
  -- Whatever is unfinished or failed still needs its source.
  add constraint videos_source_removed_when_ready check (source_removed_at is null or status = 'ready');

alter table renditions
  drop constraint renditions_kind_check,
  add constraint renditions_kind_check
    check (kind in ('video', 'audio', 'mp4', 'poster', 'preview', 'storyboard')),
  add constraint renditions_extra_is_its_attempts
    check (kind not in ('preview', 'storyboard')
      or key like 'videos/' || video_id || '/' || token || '/%');
create index renditions_of_attempt on renditions (token);

-- Ready videos that may still get their extra, and those whose source may go: what the sweep asks for.
create index videos_without_extra on videos (ready_at)
  where status = 'ready' and url_preview is null and url_storyboard is null and deleted_at is null;
create index videos_with_source on videos (ready_at)
  where status = 'ready' and source_removed_at is null and deleted_at is null;

-- A video names no preview or storyboard but those of the publication it plays from.
create function videos_extra_is_published() returns trigger language plpgsql as $$
begin
  if exists (
    select from (values ('preview', new.url_preview), ('storyboard', new.url_storyboard)) as named (kind, key)
    where named.key is not null and not exists (
      select from publication_renditions
      join renditions on renditions.id = publication_renditions.rendition_id
      where publication_renditions.publication_id = new.publication_id
        and renditions.kind = named.kind and renditions.key = named.key
    )
  ) then
    raise exception 'video % names an image that its publication does not have', new.id
      using errcode = 'check_violation', constraint = 'videos_extra_is_published';
  end if;
  return new;
end $$;
create trigger videos_extra_is_published
  before insert or update of publication_id, url_preview, url_storyboard on videos
  for each row when (new.url_preview is not null or new.url_storyboard is not null)
  execute function videos_extra_is_published();
