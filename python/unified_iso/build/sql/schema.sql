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
-- Files that come along with a report's own and are not read.
create table if not exists inventory.files_alongside (
    iso varchar not null,
    path varchar not null
);
-- Folders of reports that no dataset reads.
create table if not exists inventory.unread (
    folder varchar not null,
    files ubigint not null
);
-- Files that are there and were written over with other days, by the published parts that they were of. What
-- is told of a dataset stays until its parts are planned again.
create table if not exists inventory.overwritten (
    model varchar not null,
    part date not null,
    data_source varchar not null
);
-- Which file the accounts of a year belong to, by the seal of its footer.
create table if not exists inventory.year_files (
    model varchar not null,
    year usmallint not null,
    seal varchar not null
);
-- Which year files have been asked what they hold, by the seal of each, so that a file is asked once.
create table if not exists inventory.asked_files (
    path varchar primary key,
    seal varchar not null,
    iso varchar not null,
    dataset varchar not null
);
-- What year files say of their locations: one row per file and kind of row that a location has in it.
create table if not exists inventory.seen_locations (
    path varchar not null,
    settlement_location_id varchar not null,
    settlement_location varchar,
    settlement_location_type varchar,
    zone varchar,
    voltage_kv double,
    first_interval timestamptz not null,
    last_interval timestamptz not null,
    rows ubigint not null
);
-- What year files say of their products: one row per file and series.
create table if not exists inventory.seen_products (
    path varchar not null,
    market_type varchar not null,
    as_product varchar not null,
    as_product_standard varchar,
    as_region varchar not null,
    unit varchar,
    first_interval timestamptz not null,
    last_interval timestamptz not null,
    rows ubigint not null
);
-- What the metadata files were made of when they were last written, and what each of them was then.
create table if not exists inventory.metadata_state (
    made_of varchar not null,
    files varchar not null,
    inputs varchar not null
);
-- What the quality report shows: the files and findings of the manifest, and what was read of the year files.
create table if not exists inventory.published_files (
    path varchar not null,
    model varchar not null,
    iso varchar not null,
    dataset varchar not null,
    family varchar,
    year usmallint not null,
    rows ubigint not null,
    bytes ubigint not null,
    series ubigint not null,
    step_minutes uinteger not null,
    missing_intervals ubigint not null,
    first_interval timestamptz not null,
    last_interval timestamptz not null,
    sha256 varchar not null,
    unchecked_reports varchar[]
);
create table if not exists inventory.findings (
    kind varchar not null,
    subject varchar not null,
    year usmallint,
    line ubigint,
    reason varchar,
    rows ubigint
);
-- The manifest that these two tables and the figures below are of.
create table if not exists inventory.figured_manifest (digest varchar not null);
-- Views that dbt has made of the project with this digest, and nothing has changed since.
create table if not exists inventory.views (
    unique_id varchar primary key,
    project varchar not null
);
-- The digest of the project of the last run, if it has come to its end and left all raw relations open.
create table if not exists inventory.left_open (project varchar not null);
-- What came of each test when it ran last.
create table if not exists inventory.test_results (
    test varchar not null,
    node varchar not null,
    name varchar not null,
    column_name varchar,
    severity varchar not null,
    status varchar not null,
    failures ubigint,
    relation varchar
);
-- The months of year files of which the figures below are known, and what the month was made of then.
create table if not exists inventory.figured_months (
    path varchar not null,
    month date not null,
    made_of varchar not null,
    fault varchar
);
create table if not exists inventory.day_figures (
    path varchar not null,
    month date not null,
    delivery_date date not null,
    market_type varchar,
    rows ubigint not null,
    series ubigint not null,
    seconds_covered ubigint not null,
    seconds_expected ubigint not null,
    seconds_of_day uinteger not null
);
create table if not exists inventory.price_figures (
    path varchar not null,
    month date not null,
    market_type varchar,
    unit varchar,
    rows ubigint not null,
    negative_rows ubigint not null,
    low double not null,
    p5 double not null,
    median double not null,
    p95 double not null,
    high double not null
);
create table if not exists inventory.hour_figures (
    path varchar not null,
    month date not null,
    market_type varchar,
    unit varchar,
    local_hour utinyint not null,
    rows ubigint not null,
    negative_rows ubigint not null,
    total decimal(38, 6) not null
);
-- Reports of datasets, whether each of a report's books holds all that the one before it held, and whether
-- the dataset takes rows of the report, or names of locations alone.
create table if not exists inventory.dataset_reports (
    model varchar,
    iso varchar,
    report varchar,
    is_cumulative boolean,
    gives_rows boolean
);
