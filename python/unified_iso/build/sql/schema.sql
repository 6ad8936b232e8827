-- What the working database keeps between runs.
create schema if not exists inventory;
create sequence if not exists inventory.file_ids;
create table if not exists inventory.raw_files (
    file_id ubigint primary key default nextval('inventory.file_ids'),
    iso varchar not null,
    report varchar not null,
    path varchar not null,
    data_source varchar not null,
    size ubigint not null,
    mtime_ns ubigint not null,
    content_hash varchar,
    read_path varchar,
    lines ubigint not null,
    lines_used ubigint,
    header_line uinteger,
    timestamp_format varchar,
    column_names varchar[],
    layout varchar,
    publication_stamp varchar,
    report_date date,
    trailer_line ubigint,
    refusal varchar,
    definition varchar,
    is_present boolean not null,
    ctime_ns ubigint,
    behind varchar,
    warning varchar,
    refused_under varchar
);
-- A working database of an earlier version lacks these four.
alter table inventory.raw_files add column if not exists ctime_ns ubigint;
alter table inventory.raw_files add column if not exists behind varchar;
alter table inventory.raw_files add column if not exists warning varchar;
alter table inventory.raw_files add column if not exists refused_under varchar;
create table if not exists inventory.coverage (
    file_id ubigint not null,
    delivery_date date not null,
    rows ubigint,
    is_hint boolean not null
);
create table if not exists inventory.rejected_lines (
    file_id ubigint not null,
    line ubigint,
    column_name varchar,
    message varchar not null
);
-- Lines that begin no record: blank ones, and those inside quotes.
create table if not exists inventory.skipped_lines (
    file_id ubigint not null,
    line ubigint not null
);
create table if not exists inventory.rejected_rows (
    model varchar not null,
    file_id ubigint not null,
    data_source varchar not null,
    line bigint,
    message varchar not null
);
-- What became of the rows of a file in a dataset: null where they are not set aside.
create table if not exists inventory.file_rows (
    model varchar not null,
    file_id ubigint not null,
    set_aside varchar,
    rows ubigint not null
);
-- What rows of a file were published without, or what could not be checked.
create table if not exists inventory.file_warnings (
    model varchar not null,
    file_id ubigint not null,
    message varchar not null
);
create table if not exists inventory.parts (
    model varchar not null,
    part date not null,
    year usmallint not null,
    digest varchar not null,
    fingerprint varchar not null,
    rows ubigint not null,
    row_groups uinteger not null,
    first_interval timestamptz not null,
    last_interval timestamptz not null
);
create table if not exists inventory.empty_parts (
    model varchar not null,
    part date not null,
    digest varchar not null,
    fingerprint varchar not null,
    primary key (model, part)
);
create table if not exists inventory.accounts (
    model varchar not null,
    part date not null,
    data_source varchar not null,
    content_hash varchar not null,
    term varchar not null,
    reason varchar,
    rows ubigint not null
);
-- Which file the accounts of a year belong to, by the seal of its footer.
create table if not exists inventory.year_files (
    model varchar not null,
    year usmallint not null,
    seal varchar not null
);
