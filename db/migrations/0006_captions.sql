-- Captions: texts of a video that people choose by language or name.

alter table renditions
  -- BCP 47; null where the source does not say.
  add column language text check (kind = 'captions' or language is null),
  add column label text,
  add constraint renditions_captions_have_label check ((kind = 'captions') = (label is not null)),
  drop constraint renditions_kind_check,
  add constraint renditions_kind_check
    check (kind in ('video', 'audio', 'mp4', 'poster', 'preview', 'storyboard', 'captions')),
  drop constraint renditions_extra_is_its_attempts,
  add constraint renditions_extra_is_its_attempts
    check (kind not in ('preview', 'storyboard', 'captions')
      or key like 'videos/' || video_id || '/' || token || '/%');
