-- What signing in needs and history must not hold: sessions, one-time codes, secrets, counters.

create table sessions (
    id uuid primary key,
    token_hash bytea not null constraint sessions_token_hash_key unique,
    holder_kind text not null check (holder_kind in ('account', 'staff')),
    holder_id uuid not null,
    transport text not null check (transport in ('bearer', 'cookie')),
    client_address inet,
    user_agent text,
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz
);
comment on table sessions is 'Who is signed in. Tokens are stored as SHA-256 only.';
comment on column sessions.expires_at is 'Absolute expiry; idle expiry follows from last_seen_at.';
create index sessions_expires_at_idx on sessions (expires_at);
create index sessions_holder_idx on sessions (holder_kind, holder_id, created_at desc) where ended_at is null;

create table sms_codes (
    phone_hash bytea constraint sms_codes_pkey primary key,
    code_hash bytea not null,
    sent_at timestamptz not null,
    expires_at timestamptz not null,
    tries integer not null default 0,
    used_at timestamptz
);
comment on table sms_codes is 'One-time codes: keyed hashes of phone and code. One row for each phone, so a newer code voids the older one.';
create index sms_codes_expires_at_idx on sms_codes (expires_at);

create table rate_counts (
    scope text not null,
    key_hash bytea not null,
    at timestamptz not null,
    id uuid not null,
    primary key (scope, key_hash, at, id)
);
comment on table rate_counts is 'Attempts that are limited, one row each, for rolling windows of at most a day.';
create index rate_counts_at_idx on rate_counts (at);

create table credentials (
    id uuid primary key,
    staff_id uuid not null,
    kind text not null check (kind in ('password', 'totp', 'recovery_codes')),
    secret bytea not null,
    created_at timestamptz not null
);
comment on table credentials is 'Secrets of staff, in force only while an event names them: argon2id hash, TOTP secret sealed by the master key, keyed hashes of recovery codes.';
create index credentials_staff_idx on credentials (staff_id);

create table sandbox_messages (
    id uuid primary key,
    channel text not null check (channel in ('sms', 'wechat')),
    recipient text not null,
    template text not null,
    params jsonb not null,
    text text not null,
    sent_at timestamptz not null,
    place bigint generated always as identity
);
comment on table sandbox_messages is 'What the sandbox connectors would have sent. Empty in production.';
create index sandbox_messages_recipient_idx on sandbox_messages (recipient, sent_at desc, place desc);

create table sandbox_clock (
    only_row boolean primary key default true check (only_row),
    offset_seconds bigint not null default 0 check (offset_seconds >= 0)
);
comment on table sandbox_clock is 'How far the sandbox clock was moved forward.';
insert into sandbox_clock default values;

grant select, insert, update, delete on sessions, sms_codes, rate_counts, credentials, sandbox_messages to zsq_app;
grant select, update on sandbox_clock to zsq_app;
-- The migrator makes this table before the first migration; /readyz compares it with what the server brings along.
grant select on _sqlx_migrations to zsq_app;
