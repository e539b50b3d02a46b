-- Which master key this database belongs to, so that a server with another one refuses to start.

create table installation (
    only_row boolean primary key default true check (only_row),
    key_check bytea not null check (length(key_check) = 32)
);
comment on table installation is 'A value derived from the master key of the first start; says nothing about the key.';

grant select, insert on installation to zsq_app;
