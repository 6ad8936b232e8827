-- What the project says of datasets and reports, put here when a run begins, so that views can ask it.
create or replace table inventory.markets (
    iso varchar,
    time_zone varchar
);

create or replace table inventory.reports (
    iso varchar,
    report varchar,
    rank integer,
    seen boolean,
    file_names varchar
);

truncate inventory.dataset_reports;

-- Fingerprints stay from the last time a dataset was built, because only dbt can tell them: with the digest
-- of the project and of the location lists that they were told by.
create table if not exists inventory.fingerprints (
    model varchar primary key,
    fingerprint varchar not null,
    project varchar,
    location_lists varchar not null
);

-- Seeds by the content with which all their tests have passed.
create table if not exists inventory.sound_seeds (
    seed varchar primary key,
    checksum varchar not null
);

create or replace table inventory.datasets (
    model varchar,
    iso varchar,
    part_length varchar,
    parent varchar,
    reads_day_before boolean
);

create or replace table inventory.run_options (
    years usmallint[],
    prune boolean,
    full_refresh boolean,
    allow_rejects boolean,
    tests_everything boolean
);

-- What a dry run would build: one row per part.
create or replace table inventory.plan (
    model varchar,
    part date,
    year usmallint,
    state varchar,
    why varchar,
    files ubigint,
    lines ubigint,
    memory_bytes ubigint
);
