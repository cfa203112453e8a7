#!/bin/sh
# Runs once, when the database is made: a role of its own for Millstream, owner of its database and no superuser.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --set password="$MILLSTREAM_DATABASE_PASSWORD" \
    --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
create role millstream login password :'password';
-- Limited callers and shares are served under roles of their own, which the service may take and not make.
select format('create role %I nologin', name)
from unnest(array['millstream_reach', 'millstream_share']) name
where not exists (select from pg_roles where rolname = name) \gexec
grant millstream_reach, millstream_share to millstream;
select format('alter database %I owner to millstream', current_database()) \gexec
select format('alter database %I set timezone to ''UTC''', current_database()) \gexec
select format('revoke connect on database %I from public', current_database()) \gexec
SQL
