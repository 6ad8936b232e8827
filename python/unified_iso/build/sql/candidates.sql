-- What a run has built and not published, made anew when a run begins and when it ends.
create or replace table inventory.new_parts as
select
    *,
    null::varchar as path
from inventory.parts
where false;

create or replace table inventory.dropped_parts as
select
    model,
    part,
    year
from inventory.parts
where false;

create or replace table inventory.new_accounts as
select *
from inventory.accounts
where false;

create or replace table inventory.blocked (
    model varchar,
    year usmallint,
    message varchar
);

create or replace table inventory.candidates (
    model varchar,
    year usmallint,
    path varchar,
    target varchar,
    entry varchar
);

-- Parts as they will stand: new ones, and published ones that no new part replaces and no year has lost.
-- A published part begins at `first_row_group` of its year file, counted over the parts that stand there now.
create or replace view inventory.current_parts as
with published as (
    select
        *,
        coalesce(
            sum(row_groups) over (
                partition by model, year
                order by part
                rows between unbounded preceding and 1 preceding
            ),
            0
        )::uinteger as first_row_group
    from inventory.parts
)

select
    model,
    part,
    year,
    digest,
    fingerprint,
    rows,
    row_groups,
    first_interval,
    last_interval,
    path,
    true as is_new,
    0::uinteger as first_row_group
from inventory.new_parts
union all
select
    published.model,
    published.part,
    published.year,
    published.digest,
    published.fingerprint,
    published.rows,
    published.row_groups,
    published.first_interval,
    published.last_interval,
    null as path,
    false as is_new,
    published.first_row_group
from published
anti join inventory.new_parts
    on published.model = new_parts.model and published.part = new_parts.part
anti join inventory.dropped_parts
    on published.model = dropped_parts.model and published.part = dropped_parts.part;

-- Accounts of the parts as they will stand; those of any other part are left out.
create or replace view inventory.current_accounts as
with accounts as (
    select
        *,
        true as is_new
    from inventory.new_accounts
    union all
    select
        *,
        false as is_new
    from inventory.accounts
)

select
    accounts.model,
    accounts.part,
    parts.year,
    accounts.data_source,
    accounts.content_hash,
    accounts.term,
    accounts.reason,
    accounts.rows,
    accounts.is_new
from accounts
inner join inventory.current_parts as parts
    on
        accounts.model = parts.model
        and accounts.part = parts.part
        and accounts.is_new = parts.is_new;

-- Years that stay as they are published. A message that tells no year stops none, and a null among the years
-- would make every `not in` unknown.
create or replace view inventory.blocked_years as
select distinct
    model,
    year
from inventory.blocked
where year is not null;
