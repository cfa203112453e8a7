-- The plant's own name, its shifts, and how long it keeps data; null: as the environment says.
create table site_setting (
    is_only         boolean primary key default true,
    name            text not null default '',
    shifts          text[] not null default '{06:00,14:00,22:00}',
    retention_raw   text,
    retention_1m    text,
    retention_15m   text,
    set_up_at       timestamptz,
    constraint site_setting_check check (is_only)
);
insert into site_setting default values;
