-- The event store: histories, the queue to the ordered log, the log, and what is decided together with an append.
-- Run as the owner of the database. The server works as zsq_app, which can add to history and read it, never change it.

do $$
begin
    -- Roles belong to the whole cluster: it may be there already, and an owner without the right to make one needs it to be.
    if not exists (select from pg_roles where rolname = 'zsq_app') then
        create role zsq_app nologin;
    end if;
exception
    when duplicate_object or unique_violation then null; -- another database of the cluster was migrated at this moment
end
$$;

create table events (
    aggregate_type text not null,
    aggregate_id text not null,
    sequence bigint not null check (sequence > 0),
    event_type text not null,
    event_version text not null,
    payload jsonb not null,
    metadata jsonb not null,
    entry bigint generated always as identity,
    recorded_at timestamptz not null,
    bucket smallint not null check (bucket between 0 and 1023),
    subjects uuid[] not null default '{}',
    leaf bytea not null check (length(leaf) = 32),
    constraint events_pkey primary key (aggregate_type, aggregate_id, sequence),
    constraint events_entry_key unique (entry)
);
comment on table events is 'The truth. The first seven columns are those that postgres-es reads.';
comment on column events.entry is 'Order of insertion, neither dense nor the order of commits; log.position is the global order.';
comment on column events.recorded_at is 'The server''s clock when the command was issued.';
comment on column events.bucket is 'Hash of the stream, fixed at append: which slot of a projection reads it.';
comment on column events.subjects is 'Persons whose sealed data the payload holds.';
comment on column events.leaf is 'SHA-256 leaf of RFC 6962 over the canonical form described in infrastructure/src/event_store/leaf.rs.';

create table unsequenced (
    entry bigint primary key,
    bucket smallint not null,
    event_type text not null,
    leaf bytea not null,
    queued_at timestamptz not null default clock_timestamp()
) with (autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0);
comment on table unsequenced is 'Entries that are committed but have no position yet, with all that the log keeps of them: moving them reads no other table.';
comment on column unsequenced.queued_at is 'The database''s clock: how long the log lags behind.';

create table log (
    position bigint primary key,
    entry bigint not null constraint log_entry_key unique,
    bucket smallint not null,
    event_type text not null,
    leaf bytea not null
);
comment on table log is 'The global order: dense, without gaps, given after commit by the sequencer. Level 0 of the Merkle log.';
create index log_event_type_idx on log (event_type, position);

create table log_head (
    only_row boolean primary key default true check (only_row),
    head bigint not null default 0,
    epoch bigint not null default 0,
    leader text,
    lease_until timestamptz not null default '-infinity'
);
comment on table log_head is 'How far the log reaches, and which sequencer may extend it.';
insert into log_head default values;

create table idempotency_keys (
    scope text not null,
    key text not null,
    request_hash bytea not null,
    aggregate_id text not null,
    version bigint not null,
    entry bigint not null,
    bucket smallint not null,
    recorded_at timestamptz not null default clock_timestamp(),
    constraint idempotency_keys_pkey primary key (scope, key)
);
comment on table idempotency_keys is 'Requests that were answered, kept seven days. Not rebuilt from events: a client''s retry is not history.';
comment on column idempotency_keys.recorded_at is 'The database''s clock, which also says when seven days are over.';
create index idempotency_keys_recorded_at_idx on idempotency_keys (recorded_at);

create table claims (
    scope text not null,
    key text not null,
    aggregate_type text not null,
    aggregate_id text not null,
    constraint claims_pkey primary key (scope, key)
);
comment on table claims is 'Names that at most one stream holds. Keys of personal data are keyed hashes.';

create table personal_keys (
    subject uuid constraint personal_keys_pkey primary key,
    wrapped bytea,
    created_at timestamptz not null default clock_timestamp(),
    destroyed_at timestamptz,
    constraint personal_keys_destroyed check ((wrapped is null) = (destroyed_at is not null))
);
comment on table personal_keys is 'One data key per person, wrapped by the master key. Destroying it erases the person from history.';

grant usage on schema public to zsq_app;
grant select, insert on events, log to zsq_app;
grant select, insert, delete on unsequenced, idempotency_keys, claims to zsq_app;
grant select, update on log_head to zsq_app;
grant select, insert on personal_keys to zsq_app;
grant update (wrapped, destroyed_at) on personal_keys to zsq_app; -- destroying a key
