-- Read models and processes: which generation is live, how far each slot has come, what is parked.
-- The tables of the read models themselves are made by the server, one schema per generation: rm_<name>_<generation>,
-- and shown through views in schema rm, so that a rebuild stands beside the live one until it takes over.

create schema rm;
comment on schema rm is 'Views on the live generation of every read model. Dropping and rebuilding them loses nothing.';

create table readers (
    name text not null,
    generation integer not null check (generation > 0),
    kind text not null check (kind in ('projection', 'process')),
    shape text not null,
    status text not null check (status in ('building', 'live', 'retired', 'failed')),
    created_at timestamptz not null default clock_timestamp(),
    live_at timestamptz,
    constraint readers_pkey primary key (name, generation)
);
comment on table readers is 'Readers of the log: read models by generation, and processes (always generation 1).';
comment on column readers.shape is 'Hash of the read model''s table definition and version: another shape needs another generation.';
create unique index readers_live_key on readers (name) where status = 'live';

create table reader_slots (
    name text not null,
    generation integer not null,
    slot smallint not null,
    bucket_from smallint not null,
    bucket_to smallint not null,
    position bigint not null default 0,
    owner text,
    epoch bigint not null default 0,
    lease_until timestamptz not null default '-infinity',
    constraint reader_slots_pkey primary key (name, generation, slot),
    constraint reader_slots_reader_fkey foreign key (name, generation) references readers on delete cascade
);
comment on table reader_slots is 'How far each slot of a reader has come; moved in the same transaction as its rows.';

create table parked_events (
    name text not null,
    generation integer not null,
    key text not null,
    position bigint not null,
    attempts integer not null default 1,
    error text not null,
    parked_at timestamptz not null default clock_timestamp(),
    constraint parked_events_pkey primary key (name, generation, position),
    constraint parked_events_reader_fkey foreign key (name, generation) references readers on delete cascade
);
comment on table parked_events is 'Events a reader could not take in, with every later one of the same stream, in order.';
create index parked_events_key_idx on parked_events (name, generation, key, position);

create table reader_workers (
    name text not null,
    seen_at timestamptz not null,
    constraint reader_workers_pkey primary key (name)
);
comment on table reader_workers is 'Processes that run readers now: the slots are shared out among those seen lately.';

grant usage, create on schema rm to zsq_app;
grant select, insert, update, delete on readers, reader_slots, parked_events, reader_workers to zsq_app;

do $$
begin
    execute format('grant create on database %I to zsq_app', current_database());
end
$$;
