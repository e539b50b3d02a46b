-- Since when an event has its place in the log, by the database's clock: how far readers lag behind, in time.
-- events.recorded_at is no measure of that: it is the server's clock, which the sandbox moves.

alter table log add column logged_at timestamptz not null default now();
comment on column log.logged_at is 'The database''s clock when the event got its position; of older events, when this column was added.';
