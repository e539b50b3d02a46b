-- Sign-ins that are under way at WeChat or an identity provider: they last minutes, and history must not hold them.

create table login_flows (
    id uuid primary key,
    provider text not null check (provider in ('wechat', 'haiyiban')),
    state_hash bytea not null constraint login_flows_state_hash_key unique,
    browser_hash bytea not null,
    transport text not null check (transport in ('bearer', 'cookie')),
    return_to text not null,
    status text not null
        check (status in ('pending', 'returned', 'needs_phone', 'done', 'claimed', 'denied', 'failed')),
    failure text,
    identity bytea,
    started_at timestamptz not null,
    expires_at timestamptz not null
);
comment on table login_flows is 'Sign-ins under way elsewhere. State and browser are stored as SHA-256 only; an identity is sealed under a key derived from the master key and bound to its row.';
comment on column login_flows.status is 'pending, then once returned (the browser came back), then what came of it; claimed: its session was given out.';
create index login_flows_expires_at_idx on login_flows (expires_at);

grant select, insert, update, delete on login_flows to zsq_app;
