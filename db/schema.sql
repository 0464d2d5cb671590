-- The schema as the migrations make it. Generated: do not edit.
-- After a new migration: UPDATE_SCHEMA=1 node_modules/.bin/vitest run db/schema

create table attempts (
  token uuid not null,
  video_id uuid not null,
  kind text not null,
  params text not null default ''::text,
  recipe text not null,
  worker_id uuid not null,
  started_at timestamp with time zone not null default now(),
  ended_at timestamp with time zone,
  outcome text not null default 'running'::text,
  cause text,
  error_code text,
  error_message text,
  bytes_expected bigint,
  swept_at timestamp with time zone,
  constraint attempts_cause_check CHECK ((cause = ANY (ARRAY['video'::text, 'world'::text, 'ours'::text]))),
  constraint attempts_end_is_dated CHECK (((outcome = 'running'::text) = (ended_at IS NULL))),
  constraint attempts_kind_check CHECK ((kind = ANY (ARRAY['first'::text, 'ladder'::text, 'rung'::text, 'extra'::text, 'poster'::text]))),
  constraint attempts_outcome_check CHECK ((outcome = ANY (ARRAY['running'::text, 'won'::text, 'lost'::text, 'failed'::text, 'crashed'::text, 'cancelled'::text, 'handed_back'::text]))),
  constraint attempts_pkey PRIMARY KEY (token),
  constraint attempts_video_id_fkey FOREIGN KEY (video_id) REFERENCES videos(id) ON DELETE CASCADE
);
CREATE INDEX attempts_of_video ON public.attempts USING btree (video_id, started_at);
CREATE INDEX attempts_unswept ON public.attempts USING btree (ended_at) WHERE ((swept_at IS NULL) AND (outcome <> ALL (ARRAY['running'::text, 'won'::text])));
CREATE INDEX attempts_won_ladders ON public.attempts USING btree (ended_at) WHERE ((kind = 'ladder'::text) AND (outcome = 'won'::text));
CREATE UNIQUE INDEX attempts_one_running ON public.attempts USING btree (video_id, kind, params) WHERE (outcome = 'running'::text);

create table events (
  id bigint not null generated always as identity,
  video_id uuid not null,
  token uuid,
  at timestamp with time zone not null default now(),
  stage text not null,
  detail jsonb not null default '{}'::jsonb,
  constraint events_pkey PRIMARY KEY (id),
  constraint events_video_id_fkey FOREIGN KEY (video_id) REFERENCES videos(id) ON DELETE CASCADE
);
CREATE INDEX events_of_video ON public.events USING btree (video_id, id);

create table given_captions (
  video_id uuid not null,
  language text not null,
  vtt text,
  digest text generated always as md5(vtt) stored,
  given_at timestamp with time zone not null default now(),
  constraint given_captions_language_check CHECK ((language ~ '^[A-Za-z0-9-]{2,60}$'::text)),
  constraint given_captions_pkey PRIMARY KEY (video_id, language),
  constraint given_captions_video_id_fkey FOREIGN KEY (video_id) REFERENCES videos(id) ON DELETE CASCADE,
  constraint given_captions_vtt_check CHECK ((octet_length(vtt) <= 4000000))
);

create table given_posters (
  video_id uuid not null,
  wish uuid not null,
  given_at timestamp with time zone not null default now(),
  at_seconds double precision,
  image bytea,
  rendition_id uuid,
  placeholder text,
  error_code text,
  error_message text,
  constraint given_posters_at_seconds_check CHECK ((at_seconds >= (0)::double precision)),
  constraint given_posters_failed_says_why CHECK (((error_code IS NULL) = (error_message IS NULL))),
  constraint given_posters_has_one_end CHECK ((num_nonnulls(rendition_id, error_code) <= 1)),
  constraint given_posters_image_check CHECK (((octet_length(image) >= 1) AND (octet_length(image) <= 10485760))),
  constraint given_posters_is_one_thing CHECK ((num_nonnulls(at_seconds, image) <= 1)),
  constraint given_posters_keeps_no_image CHECK (((image IS NULL) OR ((rendition_id IS NULL) AND (error_code IS NULL)))),
  constraint given_posters_pkey PRIMARY KEY (video_id),
  constraint given_posters_rendition_id_fkey FOREIGN KEY (rendition_id) REFERENCES renditions(id),
  constraint given_posters_video_id_fkey FOREIGN KEY (video_id) REFERENCES videos(id) ON DELETE CASCADE,
  constraint given_posters_waits_for_something CHECK (((rendition_id IS NOT NULL) OR (error_code IS NOT NULL) OR (num_nonnulls(at_seconds, image) = 1)))
);
CREATE INDEX given_posters_of_rendition ON public.given_posters USING btree (rendition_id) WHERE (rendition_id IS NOT NULL);
CREATE INDEX given_posters_waiting ON public.given_posters USING btree (video_id) WHERE ((rendition_id IS NULL) AND (error_code IS NULL));

create table installation (
  only_row boolean not null default true,
  storage_id uuid not null,
  created_at timestamp with time zone not null default now(),
  viewer_secret text not null default replace(((gen_random_uuid())::text || (gen_random_uuid())::text), '-'::text, ''::text),
  constraint installation_only_row_check CHECK (only_row),
  constraint installation_pkey PRIMARY KEY (only_row)
);

create table likes (
  video_id uuid not null,
  viewer uuid not null,
  at timestamp with time zone not null default now(),
  constraint likes_pkey PRIMARY KEY (video_id, viewer),
  constraint likes_video_id_fkey FOREIGN KEY (video_id) REFERENCES videos(id) ON DELETE CASCADE
);

create table playbacks (
  id bigint not null generated always as identity,
  at timestamp with time zone not null default now(),
  video_id uuid not null,
  first_frame_ms integer,
  stalls integer not null,
  stalled_ms integer not null,
  watched_ms integer not null,
  height integer,
  error_code text,
  connection text,
  constraint playbacks_connection_check CHECK ((connection = ANY (ARRAY['slow-2g'::text, '2g'::text, '3g'::text, '4g'::text]))),
  constraint playbacks_error_code_check CHECK ((error_code ~ '^[a-z0-9_]{1,40}$'::text)),
  constraint playbacks_first_frame_ms_check CHECK (((first_frame_ms >= 0) AND (first_frame_ms <= 600000))),
  constraint playbacks_height_check CHECK (((height >= 1) AND (height <= 10000))),
  constraint playbacks_pkey PRIMARY KEY (id),
  constraint playbacks_stalled_ms_check CHECK (((stalled_ms >= 0) AND (stalled_ms <= 86400000))),
  constraint playbacks_stalls_check CHECK (((stalls >= 0) AND (stalls <= 10000))),
  constraint playbacks_video_id_fkey FOREIGN KEY (video_id) REFERENCES videos(id) ON DELETE CASCADE,
  constraint playbacks_watched_ms_check CHECK (((watched_ms >= 0) AND (watched_ms <= 86400000)))
);
CREATE INDEX playbacks_at ON public.playbacks USING btree (at);
CREATE INDEX playbacks_of_video ON public.playbacks USING btree (video_id);

create table publication_renditions (
  publication_id uuid not null,
  rendition_id uuid not null,
  constraint publication_renditions_pkey PRIMARY KEY (publication_id, rendition_id),
  constraint publication_renditions_publication_id_fkey FOREIGN KEY (publication_id) REFERENCES publications(id) ON DELETE CASCADE,
  constraint publication_renditions_rendition_id_fkey FOREIGN KEY (rendition_id) REFERENCES renditions(id) ON DELETE CASCADE
);
CREATE INDEX publication_renditions_of_rendition ON public.publication_renditions USING btree (rendition_id);

create table publications (
  id uuid not null,
  video_id uuid not null,
  seq integer not null,
  master_key text,
  created_at timestamp with time zone not null default now(),
  superseded_at timestamp with time zone,
  swept_at timestamp with time zone,
  constraint publications_id_video_id_key UNIQUE (id, video_id),
  constraint publications_pkey PRIMARY KEY (id),
  constraint publications_seq_check CHECK ((seq > 0)),
  constraint publications_video_id_fkey FOREIGN KEY (video_id) REFERENCES videos(id) ON DELETE CASCADE,
  constraint publications_video_id_seq_key UNIQUE (video_id, seq)
);
CREATE INDEX publications_unswept ON public.publications USING btree (superseded_at) WHERE ((superseded_at IS NOT NULL) AND (swept_at IS NULL));
CREATE UNIQUE INDEX publications_one_current ON public.publications USING btree (video_id) WHERE (superseded_at IS NULL);

create table renditions (
  id uuid not null,
  video_id uuid not null,
  token uuid not null,
  kind text not null,
  width integer,
  height integer,
  fps real,
  codecs text,
  peak_bps integer,
  average_bps integer,
  key text not null,
  bytes bigint not null,
  segments jsonb not null default '[]'::jsonb,
  complete boolean not null default true,
  state text not null default 'ready'::text,
  error_code text,
  created_at timestamp with time zone not null default now(),
  target_seconds integer,
  language text,
  label text,
  constraint renditions_bytes_check CHECK ((bytes >= 0)),
  constraint renditions_captions_have_label CHECK (((kind = 'captions'::text) = (label IS NOT NULL))),
  constraint renditions_check CHECK (((kind = 'captions'::text) OR (language IS NULL))),
  constraint renditions_extra_is_its_attempts CHECK (((kind <> ALL (ARRAY['preview'::text, 'storyboard'::text, 'captions'::text])) OR (key ~~ (((('videos/'::text || video_id) || '/'::text) || token) || '/%'::text)))),
  constraint renditions_failed_says_why CHECK (((state <> 'failed'::text) OR (error_code IS NOT NULL))),
  constraint renditions_growing_has_target CHECK ((complete OR (target_seconds IS NOT NULL))),
  constraint renditions_key_key UNIQUE (key),
  constraint renditions_kind_check CHECK ((kind = ANY (ARRAY['video'::text, 'audio'::text, 'mp4'::text, 'poster'::text, 'preview'::text, 'storyboard'::text, 'captions'::text]))),
  constraint renditions_pkey PRIMARY KEY (id),
  constraint renditions_state_check CHECK ((state = ANY (ARRAY['ready'::text, 'failed'::text]))),
  constraint renditions_target_seconds_check CHECK ((target_seconds > 0)),
  constraint renditions_token_fkey FOREIGN KEY (token) REFERENCES attempts(token),
  constraint renditions_video_id_fkey FOREIGN KEY (video_id) REFERENCES videos(id) ON DELETE CASCADE
);
CREATE INDEX renditions_of_attempt ON public.renditions USING btree (token);
CREATE INDEX renditions_of_video ON public.renditions USING btree (video_id);

create table upload_rates (
  client text not null,
  whole_at timestamp with time zone not null,
  constraint upload_rates_pkey PRIMARY KEY (client)
);

create table uploads (
  video_id uuid not null,
  length bigint not null,
  received bigint not null default 0,
  metadata jsonb not null default '{}'::jsonb,
  created_at timestamp with time zone not null default now(),
  last_byte_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null,
  finished_at timestamp with time zone,
  lease_until timestamp with time zone,
  constraint uploads_finished_is_whole CHECK (((finished_at IS NULL) OR (received = length))),
  constraint uploads_length_check CHECK ((length >= 0)),
  constraint uploads_pkey PRIMARY KEY (video_id),
  constraint uploads_received_within_length CHECK (((received >= 0) AND (received <= length))),
  constraint uploads_video_id_fkey FOREIGN KEY (video_id) REFERENCES videos(id) ON DELETE CASCADE
);
CREATE INDEX uploads_unfinished ON public.uploads USING btree (expires_at) WHERE (finished_at IS NULL);

create table video_counts (
  video_id uuid not null,
  views bigint not null default 0,
  likes bigint not null default 0,
  listed_at timestamp with time zone,
  score double precision generated always as (log((((1 + views) + (10 * likes)))::double precision) + (date_part('epoch'::text, (listed_at AT TIME ZONE 'UTC'::text)) / (86400)::double precision)) stored,
  constraint video_counts_likes_check CHECK ((likes >= 0)),
  constraint video_counts_pkey PRIMARY KEY (video_id),
  constraint video_counts_video_id_fkey FOREIGN KEY (video_id) REFERENCES videos(id) ON DELETE CASCADE,
  constraint video_counts_views_check CHECK ((views >= 0))
);
CREATE INDEX video_counts_popular ON public.video_counts USING btree (score DESC, video_id DESC) WHERE (listed_at IS NOT NULL);

create table videos (
  id uuid not null,
  owner_id uuid,
  visibility text not null default 'public'::text,
  title text not null,
  description text not null default ''::text,
  status text not null default 'uploading'::text,
  stage text not null default 'uploading'::text,
  progress real not null default 0,
  source_key text not null,
  source_bytes bigint not null,
  facts jsonb,
  duration_ms integer,
  width integer,
  height integer,
  publication_id uuid,
  thumbnail text,
  url_hls text,
  url_mp4 text,
  playable_at timestamp with time zone,
  ready_at timestamp with time zone,
  error_code text,
  error_message text,
  deleted_at timestamp with time zone,
  version bigint not null default 1,
  created_at timestamp with time zone not null default now(),
  url_preview text,
  url_storyboard text,
  source_removed_at timestamp with time zone,
  work real,
  progress_at timestamp with time zone,
  placeholder text,
  tags text[] not null generated always as tags_of(((title || ' '::text) || description)) stored,
  search tsvector not null generated always as to_tsvector('simple'::regconfig, folded(((title || ' '::text) || description))) stored,
  constraint videos_address_is_published CHECK (((url_hls IS NULL) OR (publication_id IS NOT NULL))),
  constraint videos_cancelled_plays_nothing CHECK (((status <> 'cancelled'::text) OR (publication_id IS NULL))),
  constraint videos_description_check CHECK ((char_length(description) <= 5000)),
  constraint videos_duration_ms_check CHECK ((duration_ms > 0)),
  constraint videos_failed_says_why CHECK (((status <> 'failed'::text) OR ((error_code IS NOT NULL) AND (error_message IS NOT NULL) AND (publication_id IS NULL)))),
  constraint videos_height_check CHECK ((height > 0)),
  constraint videos_pkey PRIMARY KEY (id),
  constraint videos_placeholder_check CHECK (((char_length(placeholder) <= 1000) AND (placeholder ~~ 'data:image/%'::text))),
  constraint videos_placeholder_is_of_a_poster CHECK (((placeholder IS NULL) OR (thumbnail IS NOT NULL))),
  constraint videos_playable_is_published CHECK (((publication_id IS NULL) = (playable_at IS NULL))),
  constraint videos_progress_check CHECK (((progress >= (0)::double precision) AND (progress <= (1)::double precision))),
  constraint videos_publication FOREIGN KEY (publication_id, id) REFERENCES publications(id, video_id),
  constraint videos_ready_has_address CHECK (((status <> 'ready'::text) OR (url_hls IS NOT NULL))),
  constraint videos_ready_is_published CHECK (((status <> 'ready'::text) OR ((publication_id IS NOT NULL) AND (ready_at IS NOT NULL)))),
  constraint videos_source_bytes_check CHECK ((source_bytes >= 0)),
  constraint videos_source_removed_when_ready CHECK (((source_removed_at IS NULL) OR (status = 'ready'::text))),
  constraint videos_status_check CHECK ((status = ANY (ARRAY['uploading'::text, 'queued'::text, 'processing'::text, 'ready'::text, 'failed'::text, 'cancelled'::text]))),
  constraint videos_title_check CHECK (((char_length(title) >= 1) AND (char_length(title) <= 200))),
  constraint videos_visibility_check CHECK ((visibility = ANY (ARRAY['public'::text, 'unlisted'::text, 'private'::text]))),
  constraint videos_width_check CHECK ((width > 0)),
  constraint videos_work_check CHECK ((work >= (0)::double precision))
);
CREATE INDEX videos_deleted ON public.videos USING btree (deleted_at) WHERE (deleted_at IS NOT NULL);
CREATE INDEX videos_feed ON public.videos USING btree (playable_at DESC, id DESC) WHERE ((playable_at IS NOT NULL) AND (visibility = 'public'::text) AND (deleted_at IS NULL));
CREATE INDEX videos_search ON public.videos USING gin (search) WHERE ((playable_at IS NOT NULL) AND (visibility = 'public'::text) AND (deleted_at IS NULL));
CREATE INDEX videos_similar ON public.videos USING gin (folded(((title || ' '::text) || "left"(description, 300))) gin_trgm_ops) WHERE ((playable_at IS NOT NULL) AND (visibility = 'public'::text) AND (deleted_at IS NULL));
CREATE INDEX videos_tags ON public.videos USING gin (tags) WHERE ((playable_at IS NOT NULL) AND (visibility = 'public'::text) AND (deleted_at IS NULL));
CREATE INDEX videos_unfinished ON public.videos USING btree (created_at) WHERE (status = ANY (ARRAY['uploading'::text, 'queued'::text, 'processing'::text]));
CREATE INDEX videos_with_source ON public.videos USING btree (ready_at) WHERE ((status = 'ready'::text) AND (source_removed_at IS NULL) AND (deleted_at IS NULL));
CREATE INDEX videos_without_extra ON public.videos USING btree (ready_at) WHERE ((status = 'ready'::text) AND (url_preview IS NULL) AND (url_storyboard IS NULL) AND (deleted_at IS NULL));

create table views (
  video_id uuid not null,
  viewer uuid not null,
  at timestamp with time zone not null default now(),
  constraint views_pkey PRIMARY KEY (video_id, viewer),
  constraint views_video_id_fkey FOREIGN KEY (video_id) REFERENCES videos(id) ON DELETE CASCADE
);
CREATE INDEX views_at ON public.views USING btree (at);

create table workers (
  id uuid not null,
  host text not null,
  pid integer not null,
  slots integer not null,
  started_at timestamp with time zone not null default now(),
  seen_at timestamp with time zone not null default now(),
  constraint workers_pkey PRIMARY KEY (id),
  constraint workers_slots_check CHECK ((slots > 0))
);

CREATE OR REPLACE FUNCTION public.folded(written text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN lower(unaccent('unaccent'::regdictionary, written));

CREATE OR REPLACE FUNCTION public.given_announce()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform pg_notify('pgreel_video', case tg_op when 'DELETE' then old.video_id else new.video_id end::text);
  return null;
end $function$;

CREATE OR REPLACE FUNCTION public.likes_count()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  update video_counts
  set likes = likes + case tg_op when 'INSERT' then changed.count else -changed.count end
  from (select video_id, count(*) from changed_likes group by video_id) as changed
  where video_counts.video_id = changed.video_id;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION public.publications_have_given_poster()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into publication_renditions (publication_id, rendition_id)
  select new.id, rendition_id from given_posters
  where video_id = new.video_id and rendition_id is not null;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION public.tags_of(written text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN (SELECT COALESCE(array_agg(kept.tag ORDER BY kept.place), '{}'::text[]) AS "coalesce" FROM (SELECT found.tag, min(found.place) AS place FROM (SELECT lower(matches.match[1]) AS tag, matches.place FROM regexp_matches(NORMALIZE(tags_of.written, NFC), '(?<![\w&/#])#([a-zA-Z0-9_\u00aa\u00b5\u00ba\u00c0-\u1fff\u200c\u200d\u2c00-\u2dff\u3005-\ufdff\ufe70-\ufefe\uff10-\uffdc\U00010000-\U0010ffff]+)'::text, 'g'::text) WITH ORDINALITY matches(match, place)) found WHERE ((char_length(found.tag) <= 50) AND (found.tag !~ '^[0-9_]+$'::text)) GROUP BY found.tag ORDER BY (min(found.place)) LIMIT 30) kept);

CREATE OR REPLACE FUNCTION public.videos_announce()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.videos_extra_is_published()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.videos_guard()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.videos_list()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  listed timestamptz := case when new.visibility = 'public' and new.deleted_at is null then new.playable_at end;
begin
  if tg_op = 'INSERT' then
    insert into video_counts (video_id, listed_at) values (new.id, listed);
  else
    update video_counts set listed_at = listed where video_id = new.id and listed_at is distinct from listed;
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION public.videos_show_given_poster()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE TRIGGER given_captions_announce AFTER INSERT OR DELETE OR UPDATE ON public.given_captions FOR EACH ROW EXECUTE FUNCTION given_announce();

CREATE TRIGGER given_posters_announce AFTER INSERT OR DELETE OR UPDATE ON public.given_posters FOR EACH ROW EXECUTE FUNCTION given_announce();

CREATE TRIGGER likes_count_less AFTER DELETE ON public.likes REFERENCING OLD TABLE AS changed_likes FOR EACH STATEMENT EXECUTE FUNCTION likes_count();

CREATE TRIGGER likes_count_more AFTER INSERT ON public.likes REFERENCING NEW TABLE AS changed_likes FOR EACH STATEMENT EXECUTE FUNCTION likes_count();

CREATE TRIGGER publications_have_given_poster AFTER INSERT ON public.publications FOR EACH ROW EXECUTE FUNCTION publications_have_given_poster();

CREATE TRIGGER videos_announce AFTER INSERT OR UPDATE ON public.videos FOR EACH ROW EXECUTE FUNCTION videos_announce();

CREATE TRIGGER videos_extra_is_published BEFORE INSERT OR UPDATE OF publication_id, url_preview, url_storyboard ON public.videos FOR EACH ROW WHEN (((new.url_preview IS NOT NULL) OR (new.url_storyboard IS NOT NULL))) EXECUTE FUNCTION videos_extra_is_published();

CREATE TRIGGER videos_guard BEFORE INSERT OR UPDATE ON public.videos FOR EACH ROW EXECUTE FUNCTION videos_guard();

CREATE TRIGGER videos_list AFTER INSERT OR UPDATE OF playable_at, visibility, deleted_at ON public.videos FOR EACH ROW EXECUTE FUNCTION videos_list();

CREATE TRIGGER videos_show_given_poster BEFORE UPDATE OF thumbnail, publication_id ON public.videos FOR EACH ROW WHEN ((new.publication_id IS NOT NULL)) EXECUTE FUNCTION videos_show_given_poster();

-- sequence events_id_seq

-- sequence playbacks_id_seq
